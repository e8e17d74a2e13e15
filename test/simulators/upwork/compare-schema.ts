// Proves that the simulator's own `schema.graphql` says nothing that Upwork's schema does not: same names, same types,
// same nullability, same arguments. Less is allowed for objects, not for enums and inputs.

import { isEnumType, isInputObjectType, isObjectType } from 'graphql';
import type { GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema } from 'graphql';

/** One line per difference. */
export function schemaDifferences(subset: GraphQLSchema, official: GraphQLSchema): string[] {
  return Object.values(subset.getTypeMap())
    .filter((type) => !type.name.startsWith('__'))
    .flatMap((type) => {
      const other = official.getType(type.name);
      if (isObjectType(type) && isObjectType(other)) return objectDifferences(type, other);
      if (isEnumType(type) && isEnumType(other)) return valueDifferences(type, other);
      if (isInputObjectType(type) && isInputObjectType(other)) return inputDifferences(type, other);
      return type.constructor === other?.constructor ? [] : [`${type.name} is another kind of type`];
    });
}

function objectDifferences(type: GraphQLObjectType, official: GraphQLObjectType): string[] {
  return Object.values(type.getFields()).flatMap((field) => {
    const other = official.getFields()[field.name];
    const signature = (one: typeof field): string =>
      `(${one.args.map((argument) => `${argument.name}: ${String(argument.type)}`).join(', ')}): ${String(one.type)}`;
    if (other !== undefined && signature(field) === signature(other)) return [];
    return [`${type.name}.${field.name}${signature(field)} is officially ${other ? signature(other) : 'absent'}`];
  });
}

function valueDifferences(type: GraphQLEnumType, official: GraphQLEnumType): string[] {
  const names = (one: GraphQLEnumType): string =>
    one
      .getValues()
      .map((value) => value.name)
      .sort()
      .join(' ');
  return names(type) === names(official) ? [] : [`${type.name} has ${names(type)}, officially ${names(official)}`];
}

function inputDifferences(type: GraphQLInputObjectType, official: GraphQLInputObjectType): string[] {
  const fields = (one: GraphQLInputObjectType): string =>
    Object.values(one.getFields())
      .map((field) => `${field.name}: ${String(field.type)}`)
      .sort()
      .join(', ');
  return fields(type) === fields(official) ? [] : [`${type.name} has ${fields(type)}, officially ${fields(official)}`];
}
