import { graphql, usePaginationFragment } from "react-relay";
import { Book } from "./Book.jsx";

export function Books({ shop }) {
  const { data, hasNext, loadNext, refetch } = usePaginationFragment(
    graphql`
      fragment Books_shop on Query
      @argumentDefinitions(
        count: { type: "Int", defaultValue: 3 }
        cursor: { type: "String" }
        where: { type: "BookWhere" }
      )
      @refetchable(queryName: "BooksPageQuery") {
        booksConnection(first: $count, after: $cursor, where: $where, orderBy: { price: DESC })
          @connection(key: "Books_booksConnection") {
          totalCount
          edges { node { id ...Book_book } }
        }
      }
    `,
    shop,
  );
  return (
    <section>
      <h1>{data.booksConnection.totalCount}</h1>
      {data.booksConnection.edges.map(({ node }) => <Book key={node.id} book={node} />)}
      {hasNext && <button id="more" onClick={() => loadNext(3)}>More</button>}
      <button id="cheap" onClick={() => refetch({ where: { price: { lt: "20" } } })}>Cheap ones</button>
    </section>
  );
}
