"""HTTP request → operation: the steps that ``views`` calls in this order.

    negotiation    Accept → media type of the response; Content-Type → form or JSON
    csrf           rejects requests that a page of another site may have sent
    parameters     body or URL → query, variables, operationName
    batching       body → the parameters of one operation or of several
    uploads        multipart form → parameters with files in the variables
    document_ids   document identifier → text; rejects documents that are not trusted
    caching        policy of an answer → headers for browsers and shared caches, 304 for what a client has
    graphiql       the GraphiQL page for browsers
    errors         Refused, the exception that all of them raise

"GraphQL over HTTP" is the specification at https://graphql.github.io/graphql-over-http/, in the version that the
audits of the npm package graphql-http check.
"""
