// Ids in an export and the Bot API's names for the same peers. Telegram Desktop writes bare ids; the Bot API tells kinds of chats
// apart by sign and range. Since spring 2021 bare ids; before, a chat's id and from then on a sender's carried the kind in the bits
// above the 32nd (source of Telegram Desktop, `export_data_types.cpp`, read 2026-10).

/** Added to a bare id of a channel, and the sum negated: -100… only while the id has ten digits. */
const CHANNELS_BEGIN = 1_000_000_000_000n;
const LOW_BITS = 0xffff_ffffn;
/** From here on a tagged id is that of a group or channel; the two were not told apart. */
const TAGGED_CHATS_BEGIN = 0x2_0000_0000n;

/** How a file writes ids: `bare`, or `tagged` with the kind of peer in the higher bits. */
export type IdForm = 'bare' | 'tagged';

export type PeerKind = 'user' | 'group' | 'channel';

/** Only in times in which every bare id had 32 bits. */
export function bareId(digits: string, form: IdForm): string {
  return form === 'tagged' ? String(BigInt(digits) & LOW_BITS) : digits;
}

/** What the Bot API calls the peer: 5 → "5", "-5" or "-1000000000005". */
export function botApiId(kind: PeerKind, bare: string): string {
  switch (kind) {
    case 'user':
      return bare;
    case 'group':
      return `-${bare}`;
    case 'channel':
      return String(-(CHANNELS_BEGIN + BigInt(bare)));
  }
}

const SENDER = /^(user|chat|channel)(\d+)$/;
const KINDS: Readonly<Record<string, PeerKind>> = { user: 'user', chat: 'group', channel: 'channel' };

/** `user123`, `channel123`, or in older files a number, tagged or not: one without a tag is a user's. */
export function senderId(written: string, form: IdForm): string {
  const [, kind, digits] = SENDER.exec(written) ?? [];
  if (kind !== undefined && digits !== undefined) return botApiId(KINDS[kind]!, digits);
  if (!/^\d+$/.test(written)) return written;
  const isChat = form === 'tagged' && BigInt(written) >= TAGGED_CHATS_BEGIN;
  return botApiId(isChat ? 'channel' : 'user', bareId(written, form));
}
