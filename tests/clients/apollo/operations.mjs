import { gql } from "@apollo/client";

export const BOOKS = gql`
  query Books($price: Decimal!, $offset: Int, $limit: Int!) {
    books(where: { price: { gte: $price } }, orderBy: { price: ASC }, offset: $offset, limit: $limit) {
      id
      title
    }
    booksCount(where: { price: { gte: $price } })
  }
`;

export const REVIEWS = gql`
  query Reviews($id: ID!, $after: String) {
    book(id: $id) {
      id
      reviewsConnection(first: 2, after: $after) {
        edges { node { id stars } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`;

export const MODERATE = gql`
  mutation Moderate($id: ID!, $status: ReviewStatus!) {
    moderateReview(id: $id, status: $status) {
      ... on Review { id status }
      ... on ModerationError { message code }
    }
  }
`;

export const RENAME = gql`
  mutation Rename($id: ID!, $title: String!) {
    renameBook(id: $id, title: $title) { id title }
  }
`;

export const SET_COVER = gql`
  mutation SetCover($id: ID!, $file: Upload!) {
    setCover(id: $id, file: $file) { id cover { name size } }
  }
`;

export const LOG_IN = gql`
  mutation LogIn($username: String!, $password: String!) {
    logIn(username: $username, password: $password) { id username }
  }
`;

export const SEARCH = gql`
  query Search($text: String!) {
    search(where: { OR: [{ onBook: { title: { icontains: $text } } }, { onAuthor: { name: { icontains: $text } } }] }) {
      ...Found
    }
  }
  fragment Found on SearchResult {
    ... on Book { id title }
    ... on Author { id name }
  }
`;
