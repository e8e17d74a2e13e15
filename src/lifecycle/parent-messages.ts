// What a supervisor and its children tell each other over IPC. Anything else on the channel is ignored.

export const READY = { tidemark: 'ready' } as const;
export const DRAIN = { tidemark: 'drain' } as const;

export type ParentMessage = typeof READY | typeof DRAIN;

export function isMessage(message: unknown, wanted: ParentMessage): boolean {
  return (
    typeof message === 'object' && message !== null && 'tidemark' in message && message.tidemark === wanted.tidemark
  );
}
