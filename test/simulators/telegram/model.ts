// Objects of the Bot API as they go over the wire, as far as the simulator itself looks into them.

export interface TelegramUser {
  readonly id: number;
  readonly is_bot: boolean;
  readonly first_name: string;
  readonly last_name?: string;
  readonly username?: string;
  readonly language_code?: string;
}

export type ChatType = 'private' | 'group' | 'supergroup' | 'channel';

export interface TelegramChat {
  readonly id: number;
  readonly type: ChatType;
  readonly title?: string;
  readonly username?: string;
  readonly first_name?: string;
  readonly last_name?: string;
}

/** With every field that nobody here reads beside it. */
export interface TelegramMessage {
  readonly message_id: number;
  /** Unix seconds. */
  readonly date: number;
  readonly chat: TelegramChat;
  readonly from?: TelegramUser;
  readonly business_connection_id?: string;
  readonly [field: string]: unknown;
}

export interface BusinessConnection {
  readonly id: string;
  readonly user: TelegramUser;
  readonly user_chat_id: number;
  readonly date: number;
  readonly is_enabled: boolean;
  readonly rights?: Readonly<Record<string, boolean>>;
}

/** One kind beside nothing: `update_id` is given by the queue. */
export type NewUpdate = Readonly<Record<string, unknown>>;

export const unixSeconds = (at: Date): number => Math.floor(at.getTime() / 1_000);
