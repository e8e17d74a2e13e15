// What all domain records share.

export interface SourceRecord {
  /** When the platform last changed this record; keeps a late page from overwriting newer rows. Null: no such stamp. */
  readonly sourceUpdatedAt: Date | null;
}

/** Facts that only one platform knows, as JSON; free of buyers' personal data. */
export type Details = Readonly<Record<string, unknown>>;
