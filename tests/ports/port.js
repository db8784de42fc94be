// Five ops in plain JavaScript: `node port.js DIR` answers the vectors that `refimpl export DIR` wrote.
//
// An array is {shape, data} with its numbers in C order; an op returns the data of its output and of its gradients.
'use strict';
const {run} = require('./vectors.js');

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

function relu({input}, gradOutput) {
  const x = Array.from(input.data);
  return {
    output: x.map((x) => Math.max(x, 0)),
    gradients: {input: x.map((x, i) => (x > 0 ? gradOutput.data[i] : 0))}, // at the kink 0, as in PyTorch
  };
}

function mseLoss({input, target, weight, reduction}, gradOutput) {
  const residual = Array.from(input.data, (x, i) => x - target.data[i]);
  const w = weight ? Array.from(weight.data) : residual.map(() => 1);
  const losses = residual.map((r, i) => w[i] * r * r);
  const total = reduction === 'mean' ? sum(w) : 1;
  const reduced = sum(losses) / total;
  const g = (i) => (reduction === 'none' ? gradOutput.data[i] : gradOutput.data[0] / total);
  const gradX = residual.map((r, i) => 2 * w[i] * r * g(i));
  return {
    output: reduction === 'none' ? losses : [reduced],
    gradients: {
      input: gradX,
      target: gradX.map((grad) => -grad),
      weight: residual.map((r, i) => g(i) * (r * r - (reduction === 'mean' ? reduced : 0))),
    },
  };
}

function linear({input, weight, bias}, gradOutput) {
  const [x, w, g] = [input.data, weight.data, gradOutput.data];
  const inputs = weight.shape[weight.shape.length - 1];
  const outputs = weight.shape.length === 1 ? 1 : weight.shape[0];
  const rows = input.shape.slice(0, -1).reduce((product, extent) => product * extent, 1);
  const [y, gradX, gradW, gradB] = [rows * outputs, x.length, w.length, outputs].map((n) => new Float64Array(n));
  for (let row = 0; row < rows; row += 1) {
    for (let o = 0; o < outputs; o += 1) {
      const at = row * outputs + o;
      y[at] = bias ? bias.data[o] : 0;
      gradB[o] += g[at];
      for (let i = 0; i < inputs; i += 1) {
        y[at] += x[row * inputs + i] * w[o * inputs + i];
        gradX[row * inputs + i] += g[at] * w[o * inputs + i];
        gradW[o * inputs + i] += g[at] * x[row * inputs + i];
      }
    }
  }
  return {output: y, gradients: {input: gradX, weight: gradW, bias: gradB}};
}

function softmax({input, dim}, gradOutput) {
  const {shape, data} = input;
  const named = dim === null ? ([0, 1, 3].includes(shape.length) ? 0 : 1) : dim; // what PyTorch takes where none is named
  const axis = named < 0 ? named + shape.length : named;
  const count = shape.length ? shape[axis] : 1;
  const stride = shape.slice(axis + 1).reduce((product, extent) => product * extent, 1);
  const [output, gradX] = [new Float64Array(data.length), new Float64Array(data.length)];
  for (let first = 0; first < data.length; first += 1) {
    if (Math.floor(first / stride) % count) continue; // not the first entry of its row
    const row = Array.from({length: count}, (_, i) => first + i * stride);
    const largest = Math.max(...row.map((i) => data[i]));
    const total = sum(row.map((i) => Math.exp(data[i] - largest)));
    for (const i of row) output[i] = Math.exp(data[i] - largest) / total;
    const mean = sum(row.map((i) => output[i] * gradOutput.data[i]));
    for (const i of row) gradX[i] = output[i] * (gradOutput.data[i] - mean);
  }
  return {output, gradients: {input: gradX}};
}

// A port does not draw NumPy's random numbers: the vectors hold them. Which entries they keep, derivations/dropout.md says.
function dropout({input, p, training, rng}, gradOutput) {
  const drawn = rng && rng.draws.length ? rng.draws[0].values.data : null;
  const keep = (i) => !training || p === 0 || (p < 1 && drawn[i] >= Math.fround(p));
  const scale = training && p < 1 ? 1 / (1 - p) : 1;
  const masked = (numbers) => Array.from(numbers, (number, i) => (keep(i) ? number * scale : 0));
  return {output: masked(input.data), gradients: {input: masked(gradOutput.data)}};
}

run(process.argv[2], {relu, mse_loss: mseLoss, linear, softmax, dropout});
