import type { ApolloClient } from "@apollo/client";
import { type FragmentType, graphql, useFragment } from "./gql/index.js";

const cardFragment = graphql(`
  fragment Card on Book {
    title
    price
    published
    format
    authors { name }
  }
`);

export const cardsQuery = graphql(`
  query Cards($where: BookWhere, $limit: Int!) {
    books(where: $where, orderBy: { title: ASC }, limit: $limit) {
      id
      ...Card
    }
  }
`);

export function card(of: FragmentType<typeof cardFragment>): string {
  const { title, price, published, authors } = useFragment(cardFragment, of);
  return `${authors.map(({ name }) => name).join(", ")}: ${title}, ${published?.slice(0, 4) ?? "n. d."}, € ${price}`;
}

export async function cards(client: ApolloClient, limit: number): Promise<string[]> {
  const { data } = await client.query({ query: cardsQuery, variables: { where: { inPrint: { eq: true } }, limit } });
  return data?.books.map(card) ?? [];
}

const priceMutation = graphql(`
  mutation Price($id: ID!, $updatedAt: DateTime!, $price: Decimal!) {
    updateBook(id: $id, updatedAt: $updatedAt, input: { price: $price }) {
      __typename
      ... on UpdateBookSuccess { book { price } }
      ... on MutationError { message errors { message } }
    }
  }
`);

export async function setPrice(client: ApolloClient, id: string, updatedAt: string, price: string): Promise<string> {
  const { data } = await client.mutate({ mutation: priceMutation, variables: { id, updatedAt, price } });
  // each type of the result is told by its name
  return data?.updateBook.__typename === "UpdateBookSuccess" ? data.updateBook.book.price : data!.updateBook.message;
}
