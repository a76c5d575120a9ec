"""What HTTP asks of a request before an operation is read from it; ``views`` puts the parts in order.

    negotiation   Accept → the media type of the answer; Content-Type → how the body is read
    csrf          session → whether the request comes from a page of this site
    parameters    body or URL → query, variables, operationName
    batching      body → one operation's, or those of several
    uploads       form with files → the same, files in the variables
    documents     identifier of a document → its text; whether it may be executed
    graphiql      browser → a page to ask from

``refused`` is what each of them raises. The specification cited is GraphQL over HTTP
(https://graphql.github.io/graphql-over-http/), in the edition that the audits of the npm package
graphql-http hold servers to.
"""
