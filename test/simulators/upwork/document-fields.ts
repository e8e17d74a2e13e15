// Which `Type.field`s a query touches, fragments included: for scopes and for checks against the official schema.

import { TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import type { DocumentNode, GraphQLSchema } from 'graphql';

/** Distinct, in order of appearance. */
export function fieldsOf(schema: GraphQLSchema, document: DocumentNode): string[] {
  const names = new Set<string>();
  const info = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(info, {
      Field: (field) => {
        const parent = info.getParentType();
        if (parent) names.add(`${parent.name}.${field.name.value}`);
      },
    }),
  );
  return [...names];
}
