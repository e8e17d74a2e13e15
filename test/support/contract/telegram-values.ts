// Values of the Bot API's types, made of their official description: whatever it allows to come, and mostly what really comes.

import fc from 'fast-check';
import type { TelegramSpec } from '../../simulators/telegram/official-shapes.ts';

interface Field {
  readonly name: string;
  readonly types: readonly string[];
  readonly required: boolean;
  readonly description?: string;
}

const ARRAY = 'Array of ';
const DAY_S = 86_400;
const NOON = 1_763_640_000;

/** Words that the description names for a text: `can be either "private", "group" …`, `always "creator"`. */
function wordsOf({ description = '' }: Field): readonly string[] {
  const [, named] =
    /(?:[Cc]an be(?: either)?|[Cc]urrently,?(?: one of)?|always|must be)\s+((?:[“"]\w+[”"][^“"]*)+)/.exec(
      description,
    ) ?? [];
  return [...(named ?? '').matchAll(/[“"](\w+)[”"]/g)].map(([, word]) => word!);
}

/** Text and numbers that the description says more of than their type. */
function valueOf(field: Field): fc.Arbitrary<unknown> | null {
  const { name, types } = field;
  if (/(?:^|_)date$/.test(name) && types.includes('Integer'))
    return fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: NOON - DAY_S, max: NOON }) },
      fc.maxSafeInteger(),
      fc.constant(0),
    );
  if (name === 'id' && types.includes('Integer')) return fc.oneof(fc.maxSafeInteger(), fc.integer({ min: 1, max: 9 }));
  const words = types.includes('String') ? wordsOf(field) : [];
  return words.length === 0 ? null : fc.constantFrom(...words);
}

/** Some types hold themselves without end. */
const DEEPEST = -3;

/** Values of a type as its description allows them; from a depth of 0 on they have their required members alone. */
export function valuesOf(spec: TelegramSpec, type: string, depth: number): fc.Arbitrary<unknown> {
  if (type.startsWith(ARRAY)) return fc.array(valuesOf(spec, type.slice(ARRAY.length), depth - 1), { maxLength: 2 });
  switch (type) {
    case 'Integer':
      return fc.oneof(fc.nat(), fc.maxSafeInteger());
    case 'Float':
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case 'String':
      return fc.string({ maxLength: 12, unit: 'binary' });
    case 'Boolean':
      return fc.boolean();
  }
  if (depth < DEEPEST) return fc.constant({});
  const { subtypes, fields = [] } = spec.types[type] ?? {};
  if (subtypes !== undefined) return fc.oneof(...subtypes.map((of) => valuesOf(spec, of, depth - 1)));
  const chosen = (fields as readonly Field[]).filter(({ required }) => required || depth > 0);
  const members = chosen.map((field) => {
    const any = () => fc.oneof(...field.types.map((each) => valuesOf(spec, each, depth - 1)));
    return [field.name, valueOf(field) ?? any()] as const;
  });
  const required = chosen.filter((field) => field.required).map(({ name }) => name);
  return sparse(members, required);
}

/** A real object has few of what it may have: with all of them at once the first ones would hide the others. */
function sparse(
  members: readonly (readonly [string, fc.Arbitrary<unknown>])[],
  required: readonly string[],
): fc.Arbitrary<unknown> {
  const optional = members.map(([name]) => name).filter((name) => !required.includes(name));
  return fc.subarray(optional, { maxLength: Math.min(6, optional.length) }).chain((some) => {
    const present = members.filter(([name]) => required.includes(name) || some.includes(name));
    return fc.record(Object.fromEntries(present));
  });
}
