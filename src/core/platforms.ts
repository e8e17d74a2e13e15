// The platforms by their stable id.

export const PLATFORM_IDS = ['upwork', 'wildberries', 'ozon', 'telegram', 'whatsapp', 'github'] as const;

export type PlatformId = (typeof PLATFORM_IDS)[number];
