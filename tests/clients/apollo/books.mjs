import { BOOKS, MODERATE, RENAME, REVIEWS, SET_COVER } from "./operations.mjs";

// pages by offset
export async function showMore(books) {
  const offset = books.getCurrentResult().data.books.length;
  await books.fetchMore({ variables: { offset } });
}

// pages by cursor
export async function showMoreReviews(reviews) {
  const { endCursor } = reviews.getCurrentResult().data.book.reviewsConnection.pageInfo;
  await reviews.fetchMore({ variables: { after: endCursor } });
}

// the new title is shown at once, and taken back if the server refuses it
export function rename(client, book, title) {
  return client.mutate({
    mutation: RENAME,
    variables: { id: book.id, title },
    optimisticResponse: { renameBook: { __typename: "Book", id: book.id, title } },
  });
}

export async function moderate(client, id, status) {
  const { data } = await client.mutate({ mutation: MODERATE, variables: { id, status } });
  const answer = data.moderateReview;
  if (answer.__typename === "ModerationError") throw new Error(answer.message);
  return answer;
}
