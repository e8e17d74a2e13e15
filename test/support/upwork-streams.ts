// What the Upwork connector offers, written down once more: a stream that vanishes is found.

export const UPWORK_STREAMS = [
  'profile',
  'jobs',
  'proposals',
  'contracts',
  'time_entries',
  'transactions',
  'rooms',
  'messages',
  'offers',
] as const;

export type UpworkStream = (typeof UPWORK_STREAMS)[number];
