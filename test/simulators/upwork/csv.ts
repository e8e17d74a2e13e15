// A CSV reader for streams (RFC 4180): quoted fields with commas, line breaks and doubled quotes, LF or CRLF. Holds one
// record at a time.

/** Records as lists of columns; empty lines are left out. */
export async function* readCsv(chunks: AsyncIterable<unknown>): AsyncGenerator<string[]> {
  const parser = createParser();
  for await (const chunk of chunks) yield* parser.push(String(chunk));
  yield* parser.end();
}

function createParser() {
  let columns: string[] = [];
  let field = '';
  let isQuoted = false;
  // A quote inside quotes: an escape or the end, which only the next character tells.
  let isAfterQuote = false;

  const endField = (): void => {
    columns.push(field);
    field = '';
  };
  const endRecord = (): string[] | undefined => {
    endField();
    const record = columns;
    columns = [];
    return record.length === 1 && record[0] === '' ? undefined : record;
  };

  return {
    *push(text: string): Generator<string[]> {
      for (const char of text) {
        if (isAfterQuote) {
          isAfterQuote = false;
          if (char === '"') {
            field += char;
            continue;
          }
          isQuoted = false;
        }
        if (isQuoted) {
          if (char === '"') isAfterQuote = true;
          else field += char;
        } else if (char === '"') isQuoted = true;
        else if (char === ',') endField();
        else if (char === '\n') {
          const record = endRecord();
          if (record !== undefined) yield record;
        } else if (char !== '\r') field += char;
      }
    },
    *end(): Generator<string[]> {
      if (isQuoted && !isAfterQuote) throw new Error('expected a closing quote before the end of the CSV');
      if (field === '' && columns.length === 0) return;
      const record = endRecord();
      if (record !== undefined) yield record;
    },
  };
}
