/** Draws the charts of the page, in the colours of the current scheme, light or dark. */
const charts = JSON.parse(document.getElementById('charts').textContent);
const LINES = 9;
/** An axis is logarithmic when its values differ by more than this factor. */
const WIDE = 30;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Draws a line from quartile to quartile at each value. */
const whiskers = {
  id: 'whiskers',
  afterDatasetsDraw(chart) {
    const { ctx, data, scales } = chart;
    data.datasets.forEach((dataset, i) => {
      if (!chart.isDatasetVisible(i)) return;
      const meta = chart.getDatasetMeta(i);
      ctx.save();
      ctx.strokeStyle = dataset.borderColor;
      ctx.lineWidth = 1.25;
      meta.data.forEach((point, at) => {
        const [low, high] = dataset.quartiles[at] ?? [];
        if (low === undefined || low === high) return;
        ctx.beginPath();
        ctx.moveTo(point.x, scales.y.getPixelForValue(low));
        ctx.lineTo(point.x, scales.y.getPixelForValue(high));
        ctx.stroke();
      });
      ctx.restore();
    });
  },
};

function draw({ id, unit, axis, bars, xs, lines }) {
  const values = lines.flatMap((line) => line.values.filter((value) => value !== null).map(([median]) => median));
  const least = Math.min(...values);
  const isWide = least > 0 && Math.max(...values) / least > WIDE;
  const highest = Math.max(...lines.flatMap((line) => line.values.map((value) => value?.[2] ?? 0)));
  const text = colour('--muted');
  const grid = colour('--rule');
  return new Chart(document.getElementById(id), {
    type: bars ? 'bar' : 'line',
    data: {
      labels: xs,
      datasets: lines.map(({ name, values: points }, i) => ({
        label: name,
        data: points.map((value) => value?.[0] ?? null),
        quartiles: points.map((value) => (value === null ? undefined : value.slice(1))),
        borderColor: colour(`--line-${i % LINES}`),
        backgroundColor: colour(`--line-${i % LINES}`),
        borderWidth: i === 0 ? 3 : 1.75,
        pointRadius: i === 0 ? 4 : 3,
        tension: 0,
      })),
    },
    plugins: [whiskers],
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: 'index', intersect: false },
      scales: {
        x: {
          title: { display: true, text: axis, color: text },
          ticks: { color: text },
          grid: { color: grid },
          offset: true,
        },
        y: {
          type: isWide ? 'logarithmic' : 'linear',
          beginAtZero: !isWide,
          suggestedMax: highest,
          title: { display: true, text: isWide ? `${unit}, logarithmic` : unit, color: text },
          ticks: { color: text },
          grid: { color: grid },
        },
      },
      plugins: {
        legend: {
          position: 'bottom',
          labels: { color: colour('--text'), boxWidth: 10, boxHeight: 10, font: { size: 11 } },
        },
        tooltip: {
          itemSort: (one, two) => two.raw - one.raw,
          callbacks: {
            label: ({ dataset, dataIndex, raw }) => {
              const [low, high] = (dataset.quartiles[dataIndex] ?? []).map((value) => value.toPrecision(3));
              return `${dataset.label}: ${raw.toPrecision(3)} ${unit} (${low} .. ${high})`;
            },
          },
        },
      },
    },
  });
}

const drawn = new Map();
const byId = new Map(charts.map((chart) => [chart.id, chart]));

/** Draws the charts that are visible; a collapsed chart has no size yet. */
function drawUnfolded() {
  for (const canvas of document.querySelectorAll('canvas')) {
    if (drawn.has(canvas.id) || canvas.closest('details:not([open])')) continue;
    drawn.set(canvas.id, draw(byId.get(canvas.id)));
  }
}

drawUnfolded();
document.addEventListener('toggle', drawUnfolded, true);

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const [id, chart] of drawn) {
    chart.destroy();
    drawn.set(id, draw(byId.get(id)));
  }
});
