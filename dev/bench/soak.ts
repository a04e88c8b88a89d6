import type { Installation } from './installation.ts';
import { callUntilQuiet, setControl } from './place-calls.ts';

const PARTS = 8;

export interface Memory {
  readonly calls: number;
  readonly resident_bytes: number;
  readonly heap_bytes: number;
}

async function memoryOf(controlUrl: string, calls: number): Promise<Memory> {
  const text = await (await fetch(`${controlUrl}/metrics`)).text();
  const gauge = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    calls,
    resident_bytes: gauge('process_resident_memory_bytes'),
    heap_bytes: gauge('nodejs_heap_size_used_bytes'),
  };
}

/** Memory of the control plane before, and after each eighth of so many calls. */
export async function soak(
  installation: Installation,
  load: { readonly calls: number; readonly rate: number; readonly talk_ms: number },
  tell: (memory: Memory) => void,
): Promise<void> {
  const { control } = installation.world;
  await setControl(installation.world, true);
  const count = Math.ceil(load.calls / PARTS);
  tell(await memoryOf(control.url, 0));
  for (let part = 1; part <= PARTS; part += 1) {
    await callUntilQuiet(installation, 'CONTROLLED', { ...load, count });
    tell(await memoryOf(control.url, part * count));
  }
}

export const memoryLine = ({ calls, resident_bytes, heap_bytes }: Memory) =>
  `after ${String(calls).padStart(6)} calls: resident ${(resident_bytes / 1e6).toFixed(0)} MB, heap in use ${(heap_bytes / 1e6).toFixed(0)} MB`;
