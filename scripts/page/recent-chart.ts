/** A chart of the last half minute, a line for each name. Its label has the latest values. */
import {
  CategoryScale,
  Chart,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  LogarithmicScale,
  PointElement,
} from 'chart.js';
import { find } from './dom.js';
import { isInView } from './in-view.js';
import { short } from './numbers.js';
import { colour, onSchemeChange } from './scheme.js';

Chart.register(CategoryScale, Legend, LinearScale, LineController, LineElement, LogarithmicScale, PointElement);

const POINTS = 60;
const LINES = 6;

interface ChartOptions {
  readonly unit?: (value: number) => string;
  readonly logarithmic?: boolean;
}

export class RecentChart {
  private readonly canvas: HTMLCanvasElement;
  private readonly name: string;
  private readonly unit: (value: number) => string;
  private readonly chart: Chart<'line', (number | null)[]>;

  /**
   * @param selector of a canvas
   * @param options.unit writes a value
   */
  constructor(selector: string, { unit = short, logarithmic = false }: ChartOptions = {}) {
    this.canvas = find(selector, HTMLCanvasElement);
    this.name = this.canvas.getAttribute('aria-label') ?? '';
    this.unit = unit;
    this.chart = new Chart(this.canvas, {
      type: 'line',
      data: { labels: Array.from({ length: POINTS }, () => ''), datasets: [] },
      options: {
        animation: false,
        maintainAspectRatio: false,
        elements: { point: { radius: 0 }, line: { borderWidth: 2, tension: 0 } },
        scales: {
          x: { display: false },
          y: {
            type: logarithmic ? 'logarithmic' : 'linear',
            beginAtZero: !logarithmic,
            ...(logarithmic ? {} : { suggestedMax: 10 }),
            ticks: { callback: (value) => unit(Number(value)), maxTicksLimit: 6 },
          },
        },
        plugins: { legend: { position: 'bottom', labels: { boxWidth: 10, boxHeight: 10 } } },
      },
    });
    this.paint();
    onSchemeChange(() => this.paint());
  }

  clear(): void {
    this.chart.data.datasets = [];
    this.chart.update('none');
  }

  add(rates: ReadonlyMap<string, number>): void {
    const { datasets } = this.chart.data;
    for (const name of [...rates.keys()].sort()) {
      if (datasets.some(({ label }) => label === name)) continue;
      datasets.push({ label: name, data: new Array(POINTS).fill(null) });
      this.paint();
    }
    for (const { label = '', data } of datasets) {
      data.push(rates.get(label) ?? null);
      data.shift();
    }
    this.chart.data.datasets = datasets.filter(({ data }) => data.some((value) => value !== null));
    if (isInView(this.canvas)) this.chart.update('none');
    const latest = [...rates].map(([name, rate]) => `${name} ${this.unit(rate)}`);
    this.canvas.setAttribute('aria-label', `${this.name}; now ${latest.join(', ') || 'nothing'}`);
  }

  private paint(): void {
    const { data, options } = this.chart;
    data.datasets.forEach((dataset, i) => {
      dataset.borderColor = dataset.backgroundColor = colour(`line-${i % LINES}`);
    });
    options.color = colour('text');
    const y = options.scales?.y;
    if (y) Object.assign(y, { ticks: { ...y.ticks, color: colour('muted') }, grid: { color: colour('rule') } });
    this.chart.update('none');
  }
}
