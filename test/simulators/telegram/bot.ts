// A bot of the simulated Telegram and what the parts of the simulator share.

import type { Random } from '../random.ts';
import type { Directory } from './directory.ts';
import type { Files } from './files.ts';
import type { RateLimiter } from './limits.ts';
import type { BusinessConnection, TelegramMessage, TelegramUser } from './model.ts';
import type { Parameters } from './parameters.ts';
import type { Polling } from './polling.ts';
import type { PlatformTime } from './time.ts';
import type { TelegramTraps } from './traps.ts';
import type { Updates } from './updates.ts';
import type { Webhook } from './webhook.ts';

/** Why a bot cannot write to a chat. */
export type Trouble = 'blocked' | 'deactivated' | 'not_started' | 'kicked' | 'not_member' | 'no_rights';

export interface Bot {
  readonly user: TelegramUser;
  /** Sees every message of a group, not only commands and answers. */
  readonly readsGroups: boolean;
  /** Null: revoked. */
  token: string | null;
  readonly updates: Updates;
  readonly polling: Polling;
  readonly webhook: Webhook;
  /** By chat id. */
  readonly troubles: Map<number, Trouble>;
  readonly businesses: Map<string, BusinessConnection>;
  /** Everything it said, whether it heard the answer or not. */
  readonly sent: TelegramMessage[];
}

/** What methods and the world work with. */
export interface Platform {
  readonly time: PlatformTime;
  readonly random: Random;
  readonly traps: TelegramTraps;
  readonly limiter: RateLimiter;
  readonly directory: Directory;
  readonly files: Files;
}

export interface Call {
  readonly platform: Platform;
  readonly bot: Bot;
  readonly parameters: Parameters;
}

export interface MethodResult {
  readonly result: unknown;
  readonly description?: string;
}

export type Method = (call: Call) => MethodResult | Promise<MethodResult>;
