// Message templates. One name stands once for each language, so the key is the id.

import { z } from 'zod';
import type { MessageTemplateRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { idText } from '../../toolkit/scalars.ts';
import { loose, object, told } from './scalars.ts';

const templateSchema = z.looseObject({
  id: idText,
  name: z.string().min(1),
  language: z.string().min(1),
  status: z.string().min(1),
  category: loose,
  previous_category: loose,
  sub_category: loose,
  parameter_format: loose,
  rejected_reason: loose,
  quality_score: object.nullish().catch(null),
  components: z.array(z.unknown()).nullish(),
});

export function parseTemplate(raw: unknown): MessageTemplateRecord {
  const row = parseRecord(templateSchema, raw);
  return {
    platformTemplateId: row.id,
    name: row.name,
    language: row.language,
    status: row.status,
    category: row.category ?? null,
    components: row.components ?? [],
    details: told({
      previousCategory: row.previous_category,
      subCategory: row.sub_category,
      parameterFormat: row.parameter_format,
      rejectedReason: row.rejected_reason,
      qualityScore: row.quality_score,
    }),
    sourceUpdatedAt: null,
  };
}
