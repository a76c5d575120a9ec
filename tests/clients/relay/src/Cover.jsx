import { graphql, useMutation } from "react-relay";

export function Cover({ id }) {
  const [setCover] = useMutation(graphql`
    mutation CoverMutation($id: ID!, $file: Upload!) {
      setCover(id: $id, file: $file) { id cover { name size } }
    }
  `);
  const send = (event) =>
    setCover({ variables: { id, file: null }, uploadables: { file: event.target.files[0] } });
  return <input type="file" onChange={send} />;
}
