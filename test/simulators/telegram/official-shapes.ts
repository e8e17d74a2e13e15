// Holds an answer against the official description of the Bot API, where that is at hand: required fields are there, and what is
// there has the type that it should have.

export interface TelegramSpec {
  readonly types: Readonly<
    Record<
      string,
      {
        readonly subtypes?: readonly string[];
        readonly fields?: readonly {
          readonly name: string;
          readonly types: readonly string[];
          readonly required: boolean;
        }[];
      }
    >
  >;
}

/** Says what is wrong with a value of a type, each with its path; nothing, when all is well. */
export type ShapeCheck = (type: string, value: unknown) => readonly string[];

const PRIMITIVES: Readonly<Record<string, (value: unknown) => boolean>> = {
  Integer: Number.isSafeInteger,
  Float: (value) => typeof value === 'number',
  String: (value) => typeof value === 'string',
  Boolean: (value) => typeof value === 'boolean',
};
const ARRAY = 'Array of ';

export function shapeCheck({ types }: TelegramSpec): ShapeCheck {
  const check = (type: string, value: unknown, path: string): readonly string[] => {
    if (type.startsWith(ARRAY)) {
      if (!Array.isArray(value)) return [`${path}: expected ${type}`];
      return value.flatMap((item, index) => check(type.slice(ARRAY.length), item, `${path}[${index}]`));
    }
    const isRight = PRIMITIVES[type];
    if (isRight !== undefined) return isRight(value) ? [] : [`${path}: expected ${type}`];
    const described = types[type];
    if (described === undefined) return [`${path}: no type ${type}`];
    if (described.subtypes !== undefined) return nearest(described.subtypes, value, path);
    return fields(described.fields ?? [], value, path);
  };

  /** The complaints of the alternative with the fewest. */
  const nearest = (alternatives: readonly string[], value: unknown, path: string): readonly string[] =>
    alternatives.map((type) => check(type, value, path)).toSorted((a, b) => a.length - b.length)[0] ?? [];

  const fields = (
    known: NonNullable<TelegramSpec['types'][string]['fields']>,
    value: unknown,
    path: string,
  ): readonly string[] => {
    if (value === null || typeof value !== 'object') return [`${path}: expected an object`];
    const object = value as Readonly<Record<string, unknown>>;
    const strangers = Object.keys(object).filter((name) => !known.some((field) => field.name === name));
    return [
      ...strangers.map((name) => `${path}.${name}: nobody knows it`),
      ...known.flatMap(({ name, types: alternatives, required }) => {
        if (object[name] !== undefined) return nearest(alternatives, object[name], `${path}.${name}`);
        return required ? [`${path}.${name}: absent`] : [];
      }),
    ];
  };

  return (type, value) => check(type, value, type);
}
