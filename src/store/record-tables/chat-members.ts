// Who is in a talk of several, in the table `chat_members`.

import type { ChatMemberRecord } from '../../core/records.ts';
import { instant, text, type RecordTable } from './record-table.ts';

export const chatMembersTable: RecordTable<ChatMemberRecord> = {
  name: 'chat_members',
  keyColumns: ['chat_key', 'member_id'],
  keyOf: (member) => `${member.chatKey} ${member.memberId}`,
  columns: [
    text('chat_key', (member) => member.chatKey),
    text('member_id', (member) => member.memberId),
    text('name', (member) => member.name),
    text('username', (member) => member.username),
    text('status', (member) => member.status),
    { name: 'is_bot', type: 'boolean', read: (member) => String(member.isBot) },
    instant('source_updated_at', (member) => member.sourceUpdatedAt),
  ],
  dirtyInstants: [],
};
