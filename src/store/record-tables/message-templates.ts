// Approved texts in the table `message_templates`.

import type { MessageTemplateRecord } from '../../core/records.ts';
import { instant, json, text, type RecordTable } from './record-table.ts';

export const messageTemplatesTable: RecordTable<MessageTemplateRecord> = {
  name: 'message_templates',
  keyColumns: ['platform_template_id'],
  keyOf: (template) => template.platformTemplateId,
  columns: [
    text('platform_template_id', (template) => template.platformTemplateId),
    text('name', (template) => template.name),
    text('language', (template) => template.language),
    text('status', (template) => template.status),
    text('category', (template) => template.category),
    json('components', (template) => template.components),
    json('details', (template) => template.details),
    instant('source_updated_at', (template) => template.sourceUpdatedAt),
  ],
  dirtyInstants: [],
};
