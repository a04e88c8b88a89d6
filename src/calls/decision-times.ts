/** How long each call waited in this process for its decision: from its event to what the switch is going to be told. */
export interface DecisionTimes {
  add(took_ms: number): void;
  watch(heard: (took_ms: number) => void): void;
}

export function createDecisionTimes(): DecisionTimes {
  const watchers: ((took_ms: number) => void)[] = [];
  return {
    add(took_ms) {
      for (const heard of watchers) heard(took_ms);
    },
    watch: (heard) => void watchers.push(heard),
  };
}
