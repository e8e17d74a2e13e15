// Thrown by a resolver when Upwork would answer with a bare HTTP status instead of a GraphQL error; 501 when the
// simulator itself does not model what was asked.

export class HttpFailure extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'HttpFailure';
    this.status = status;
  }
}
