// A supervised process's side of the channel to its supervisor. When the parent is gone, killed even, the child drains:
// no child outlives its supervisor. In a process that nobody supervises nothing happens here.

import { DRAIN, isMessage, READY } from './parent-messages.ts';

export interface ParentLink {
  /** Resolves when the parent asks to drain, or is gone; never in a process without a supervisor. */
  readonly drain: Promise<'parent_asked' | 'parent_gone'>;
  /** Tells the parent that this process is ready for work. */
  ready(): void;
  /** Stops listening, so that the channel no longer keeps the process alive. */
  close(): void;
}

export function connectToParent(): ParentLink {
  const drain = Promise.withResolvers<'parent_asked' | 'parent_gone'>();
  if (process.send === undefined) return { drain: drain.promise, ready: () => undefined, close: () => undefined };
  const onMessage = (message: unknown): void => {
    if (isMessage(message, DRAIN)) drain.resolve('parent_asked');
  };
  const onDisconnect = (): void => drain.resolve('parent_gone');
  process.on('message', onMessage);
  process.on('disconnect', onDisconnect);
  if (!process.connected) onDisconnect();
  return {
    drain: drain.promise,
    ready() {
      // A parent that went away meanwhile is `parent_gone`, not an error of this call.
      if (process.connected) process.send?.(READY, undefined, undefined, () => undefined);
    },
    close() {
      process.off('message', onMessage);
      process.off('disconnect', onDisconnect);
      process.channel?.unref();
    },
  };
}
