// Every edge that the simulated Graph API has, by method, kind of node and name; `''` is the node itself.

import {
  accountNode,
  numberList,
  shownNumber,
  subscribe,
  subscribedApps,
  templateList,
  templateReport,
  unsubscribe,
} from './account.ts';
import { requestSync } from './coexistence.ts';
import type { Edge, GraphCall, Node, NodeOf } from './graph.ts';
import { messageHistory } from './message-history.ts';
import { createSending } from './sending.ts';

/** It only ever gets nodes of its own kind. */
function edge<N extends Node>(useCase: Edge['useCase'], answer: Edge<N>['answer']): Edge {
  const scope = useCase === 'whatsapp' ? 'whatsapp_business_messaging' : 'whatsapp_business_management';
  return { scope, useCase, answer: answer as Edge['answer'] };
}

export function createEdges(): ReadonlyMap<string, Edge> {
  const management = 'whatsapp_business_management';
  return new Map([
    ['GET waba ', edge(management, accountNode)],
    ['GET waba phone_numbers', edge(management, numberList)],
    ['GET waba message_templates', edge(management, templateList)],
    ['GET waba template_analytics', edge(management, templateReport)],
    ['GET waba subscribed_apps', edge(management, subscribedApps)],
    ['POST waba subscribed_apps', edge(management, subscribe)],
    ['DELETE waba subscribed_apps', edge(management, unsubscribe)],
    [
      'GET number ',
      edge(management, ({ node, request }: GraphCall<NodeOf<'number'>>) =>
        shownNumber(node.number, request.query.get('fields')),
      ),
    ],
    ['GET number message_history', edge(management, messageHistory)],
    ['POST number messages', edge('whatsapp', createSending())],
    ['POST number smb_app_data', edge(management, requestSync)],
    [
      'GET media ',
      edge('whatsapp', ({ node, request, parts }: GraphCall<NodeOf<'media'>>) =>
        parts.media.describe(node.file, request),
      ),
    ],
  ]);
}
