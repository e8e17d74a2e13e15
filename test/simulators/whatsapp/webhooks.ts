// From a change to the POST that tells it: who is subscribed, under which address, and what travels together. An app that is not
// subscribed to an account hears nothing of it.

import { payloadOf, type Change, type Shape } from './changes.ts';
import { metaJson } from './meta-json.ts';
import type { WebhookSender } from './webhook-sender.ts';
import type { App } from './world.ts';

export interface Webhooks {
  /** Tells a change to whom it concerns, as a POST of its own unless `together` collects. */
  publish(change: Change): void;
  /** Everything that `work` causes travels in one POST per address. */
  together(work: () => void | Promise<void>, shape?: Shape): Promise<void>;
  /** Resolves when every webhook was delivered; rejects when one was given up, or is held. */
  flush(): Promise<void>;
}

export function createWebhooks({ sender, now }: { sender: WebhookSender; now: () => Date }): Webhooks {
  let collected: Change[] | null = null;
  const dispatch = (changes: readonly Change[], shape: Shape): void => {
    const addressed = changes.flatMap((change) => addressesOf(change).map((address) => ({ ...address, change })));
    const groups = Map.groupBy(addressed, ({ app, url }) => `${app.id} ${url}`);
    for (const group of groups.values()) {
      const payload = payloadOf(
        group.map(({ change }) => change),
        shape,
        now(),
      );
      sender.send(group[0]!.app, group[0]!.url, metaJson(payload));
    }
  };
  return {
    publish(change) {
      if (collected === null) dispatch([change], 'merged');
      else collected.push(change);
    },
    async together(work, shape = 'merged') {
      if (collected !== null) throw new Error('expected no webhooks to be collected already');
      const changes: Change[] = (collected = []);
      try {
        await work();
      } finally {
        collected = null;
      }
      dispatch(changes, shape);
    },
    flush: () => sender.flush(),
  };
}

/** The number's own address goes before the account's, and that before the app's. */
function addressesOf({ waba, number }: Change): readonly { readonly app: App; readonly url: string }[] {
  return waba.subscriptions.flatMap(({ app, callbackUrl }) => {
    const url = number?.callbackUrl ?? callbackUrl ?? app.callbackUrl;
    return url === null ? [] : [{ app, url }];
  });
}
