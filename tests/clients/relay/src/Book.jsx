import { graphql, useMutation, useRefetchableFragment } from "react-relay";

export function Book({ book }) {
  const [data, refetch] = useRefetchableFragment(
    graphql`
      fragment Book_book on Book @refetchable(queryName: "BookAgainQuery") {
        id
        title
        updatedAt
        reviewsConnection(first: 1) { edges { node { stars } } }
      }
    `,
    book,
  );
  const [rename] = useMutation(graphql`
    mutation BookRenameMutation($id: ID!, $updatedAt: DateTime!, $title: String!) {
      updateBook(id: $id, updatedAt: $updatedAt, input: { title: $title }) {
        __typename
        ... on UpdateBookSuccess { book { id title updatedAt } }
        ... on MutationError { message status }
      }
    }
  `);
  const { id, title, updatedAt } = data;
  const shout = () =>
    rename({
      variables: { id, updatedAt, title: title.toUpperCase() },
      optimisticResponse: {
        updateBook: { __typename: "UpdateBookSuccess", book: { id, title: title.toUpperCase(), updatedAt } },
      },
    });
  return (
    <p onClick={shout} onDoubleClick={() => refetch({}, { fetchPolicy: "network-only" })}>{title}</p>
  );
}
