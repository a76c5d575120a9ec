import { graphql, usePaginationFragment } from "react-relay";

export function Reviews({ book }) {
  const { data, hasPrevious, loadPrevious } = usePaginationFragment(
    graphql`
      fragment Reviews_book on Book
      @argumentDefinitions(count: { type: "Int", defaultValue: 1 }, cursor: { type: "String" })
      @refetchable(queryName: "ReviewsPageQuery") {
        reviewsConnection(last: $count, before: $cursor, orderBy: { id: ASC })
          @connection(key: "Reviews_reviewsConnection") {
          edges { node { id stars } }
        }
      }
    `,
    book,
  );
  return (
    <ul>
      {data.reviewsConnection.edges.map(({ node }) => <li key={node.id}>{node.id}</li>)}
      {hasPrevious && <button id="earlier" onClick={() => loadPrevious(2)}>Earlier</button>}
    </ul>
  );
}
