/** A progress bar that shows the terminal's cursor again, however the process ends. */
import { type Options, SingleBar } from 'cli-progress';

export class ProgressBar extends SingleBar {
  private readonly atExit = (): void => super.stop();

  constructor(options: Options) {
    super({ hideCursor: true, ...options });
  }

  override start(total: number, value: number, payload?: object): void {
    process.on('exit', this.atExit);
    super.start(total, value, payload);
  }

  override stop(): void {
    process.off('exit', this.atExit);
    super.stop();
  }
}
