// Pages that are valid JSON and wrong: for the fault `garbage-page`. Each works on any answer with `edges[].node`, and
// leaves the right body untouched.

type Node = Record<string, unknown>;

/** No node has its key. */
export const withoutKeys = overNodes((nodes) => nodes.map(({ id: _id, ...rest }) => rest));

/** The first node comes twice, the second time with another title. */
export const withDuplicateKey = overNodes((nodes) =>
  nodes.flatMap((node, index) => (index === 0 ? [node, { ...node, title: 'Twice' }] : [node])),
);

/** Numbers and money that no column holds. */
export const withOverflow = overNodes((nodes) =>
  nodes.map((node) => ({
    ...node,
    totalApplicants: 2 ** 53,
    amount: { rawValue: '9'.repeat(400), currency: 'USD', displayValue: '$∞' },
  })),
);

/** Every field of every node has another type. */
export const withWrongTypes = overNodes((nodes) =>
  nodes.map((node) => Object.fromEntries(Object.keys(node).map((key) => [key, { unexpected: [key, 42] }]))),
);

/** The list of edges is a text. */
export function withTextForEdges(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body), (key, value: unknown) => (key === 'edges' ? 'lorem ipsum' : value));
}

function overNodes(change: (nodes: Node[]) => Node[]): (body: unknown) => unknown {
  const changed = (edges: unknown): unknown => {
    if (!Array.isArray(edges)) return edges;
    const nodes = (edges as ({ node: Node | null } | null)[])
      .map((edge) => edge?.node)
      .filter((node) => node !== null && node !== undefined);
    return change(nodes).map((node, index) => ({ cursor: String(index), node }));
  };
  return (body) =>
    JSON.parse(JSON.stringify(body), (key, value: unknown) => (key === 'edges' ? changed(value) : value)) as unknown;
}
