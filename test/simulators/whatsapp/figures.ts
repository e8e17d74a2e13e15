// What the platform counted for an account, in half hours: the ground that all reports are added up from. A test puts facts
// in, also into a day that was read already: recent figures keep changing.

/** Messages of a number to a country in the half hour that begins at `at`. */
export interface MessagingFact {
  readonly at: Date;
  /** Digits as reports write a number. */
  readonly phoneNumber: string;
  readonly country: string;
  readonly sent: number;
  readonly delivered: number;
}

export interface ConversationFact {
  readonly at: Date;
  readonly phoneNumber: string;
  readonly country: string;
  /** `REGULAR`, `FREE_TIER`, `FREE_ENTRY_POINT`. */
  readonly type: string;
  readonly category: string;
  readonly direction: 'BUSINESS_INITIATED' | 'USER_INITIATED' | 'UNKNOWN';
  readonly conversations: number;
  readonly cost: number;
}

export interface PricingFact {
  readonly at: Date;
  readonly phoneNumber: string;
  readonly country: string;
  /** `REGULAR`, `FREE_CUSTOMER_SERVICE`, `FREE_ENTRY_POINT`. */
  readonly type: string;
  readonly category: string;
  readonly tier: string | null;
  readonly volume: number;
  readonly cost: number;
}

/** A template on a day of UTC. */
export interface TemplateFact {
  readonly at: Date;
  readonly templateId: string;
  readonly sent: number;
  readonly delivered: number;
  readonly read: number;
  readonly clicked: readonly { readonly type: string; readonly button_content: string; readonly count: number }[];
  readonly cost: readonly { readonly type: string; readonly value?: number }[];
}

export interface Figures {
  readonly messaging: MessagingFact[];
  readonly conversations: ConversationFact[];
  readonly pricing: PricingFact[];
  readonly templates: TemplateFact[];
}

export function createFigures(): Figures {
  return { messaging: [], conversations: [], pricing: [], templates: [] };
}
