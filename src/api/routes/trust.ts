// /v1/audit-logs, /v1/security-logs and /v1/integrations/{id}/openings

import { z } from 'zod';
import { listAudit } from '../../store/audit-logs.ts';
import { listOpenings } from '../../store/credential-openings.ts';
import { listSecurityEvents } from '../../store/security-logs.ts';
import type { Handlers } from '../call.ts';
import type { trustOperations } from '../contract/trust.ts';
import { decodeCursor, pageOfRows } from '../cursor.ts';

interface Logged {
  readonly id: string;
  readonly at: Date;
}

const logPlace = z.tuple([z.iso.datetime(), z.uuid()]);
const openingPlace = z.int().min(1);

const dated = <Row extends { readonly at: Date }>(row: Row) => ({ ...row, at: row.at.toISOString() });
const placeOf = ({ at, id }: Logged) => [at.toISOString(), id];

function afterOf(cursor: string | undefined): Logged | undefined {
  if (cursor === undefined) return undefined;
  const [at, id] = decodeCursor(cursor, logPlace);
  return { at: new Date(at), id };
}

export function trustRoutes(): Handlers<keyof typeof trustOperations> {
  return {
    async listAuditLogs({ query: { limit, cursor, ...filter }, inTx }) {
      const page = { ...filter, limit: limit + 1, after: afterOf(cursor) };
      return pageOfRows(await inTx((tx) => listAudit(tx, page)), limit, { show: dated, place: placeOf });
    },
    async listSecurityLogs({ query: { limit, cursor, ...filter }, inTx }) {
      const page = { ...filter, limit: limit + 1, after: afterOf(cursor) };
      return pageOfRows(await inTx((tx) => listSecurityEvents(tx, page)), limit, { show: dated, place: placeOf });
    },
    async listCredentialOpenings({ params: { integrationId }, query: { limit, cursor }, inTx }) {
      const before = cursor === undefined ? undefined : decodeCursor(cursor, openingPlace);
      const rows = await inTx((tx) => listOpenings(tx, { integrationId, limit: limit + 1, before }));
      return pageOfRows(rows, limit, { show: dated, place: ({ seq }) => seq });
    },
  };
}
