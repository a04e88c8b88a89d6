import { openScreen } from './screen.ts';
import { curlLines, picture, totalsText, type View } from './view.ts';
import { formatSeconds } from './words.ts';

export interface Display {
  /** Something happened just now. */
  tell(text: string): void;
  close(): void;
}

const REPAINT_EVERY_ms = 500;
const LINE_EVERY_ms = 5_000;

/** The whole picture about twice a second. */
function paintPictures(output: NodeJS.WriteStream, view: () => View): Display {
  const screen = openScreen(output);
  // However the process ends, the terminal gets its cursor back.
  process.on('exit', screen.close);
  const paint = () => screen.paint(picture(view(), screen.size()));
  paint();
  const timer = setInterval(paint, REPAINT_EVERY_ms);
  return {
    tell() {},
    close() {
      clearInterval(timer);
      paint();
      process.off('exit', screen.close);
      screen.close();
    },
  };
}

/** Plain lines for files and logs: what happens as it happens, and the totals now and then. */
function printLines(output: NodeJS.WriteStream, view: () => View): Display {
  const print = (text: string) =>
    output.write(`${formatSeconds(view().running_seconds).padStart(6)}  ${text}\n`);
  const { url, token, missing } = view();
  output.write(`API ${url}\ntoken do master ${token}\n${curlLines(url, token, 200).join('\n')}\n`);
  if (missing !== null) output.write(`${missing}\n`);
  const timer = setInterval(() => {
    const { board } = view();
    print(`ao vivo ${board.live.size} · ${totalsText(board.totals)}`);
  }, LINE_EVERY_ms);
  return { tell: print, close: () => clearInterval(timer) };
}

export function openDisplay(output: NodeJS.WriteStream, view: () => View): Display {
  return output.isTTY ? paintPictures(output, view) : printLines(output, view);
}
