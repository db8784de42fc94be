// The vectors of `refimpl export`, read and answered in plain JavaScript.
'use strict';
const fs = require('fs');
const path = require('path');

const TYPES = {
  '<f8': Float64Array, '<f4': Float32Array, '<i8': BigInt64Array, '<i4': Int32Array, '<i2': Int16Array,
  '|i1': Int8Array, '<u8': BigUint64Array, '<u4': Uint32Array, '<u2': Uint16Array, '|u1': Uint8Array, '|b1': Uint8Array,
};

// {dtype, shape, data} of a .npy file's bytes: a magic word, a header as Python writes a dict, the numbers in C order.
function npy(bytes) {
  const start = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, start);
  const dtype = /'descr': '([^']+)'/.exec(header)[1];
  const shape = /'shape': \(([^)]*)\)/.exec(header)[1].split(',').filter((text) => text.trim()).map(Number);
  const count = shape.reduce((product, extent) => product * extent, 1);
  const copy = Uint8Array.from(bytes.subarray(start)); // whose numbers are aligned
  return {dtype, shape, data: new TYPES[dtype](copy.buffer, 0, count)};
}

// The arrays of an .npz file by their names: a zip file whose members are stored as they are. Its directory stands at
// the end, before a record of 22 bytes that says where.
function npz(file) {
  const bytes = fs.readFileSync(file);
  const arrays = {};
  let at = bytes.readUInt32LE(bytes.length - 22 + 16);
  for (let left = bytes.readUInt16LE(bytes.length - 22 + 10); left > 0; left -= 1) {
    const [size, name, extra, comment] = [bytes.readUInt32LE(at + 20), ...[28, 30, 32].map((i) => bytes.readUInt16LE(at + i))];
    const member = bytes.readUInt32LE(at + 42);
    const start = member + 30 + bytes.readUInt16LE(member + 26) + bytes.readUInt16LE(member + 28);
    arrays[bytes.toString('utf8', at + 46, at + 46 + name).replace(/\.npy$/, '')] = npy(bytes.subarray(start, start + size));
    at += 46 + name + extra + comment;
  }
  return arrays;
}

// A value of index.json with its arrays in place. Tuples become lists.
function decoded(value, arrays) {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((entry) => decoded(entry, arrays));
  if ('$array' in value) return arrays[value.$array];
  if ('$tuple' in value) return decoded(value.$tuple, arrays);
  if ('$number' in value) return Number(value.$number);
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, decoded(entry, arrays)]));
}

// JSON has no NaN and no infinities.
const plain = (number) => (typeof number === 'bigint' || Number.isFinite(Number(number)) ? Number(number) : String(number));

// Puts into `answers` the data of every array that `expected` names; `found` has the same structure.
function answer(expected, found, answers) {
  if (expected === null || typeof expected !== 'object') return;
  if ('$array' in expected) answers[expected.$array] = Array.from(found, plain);
  else for (const [key, entry] of Object.entries(expected.$tuple || expected)) answer(entry, found[key], answers);
}

// Runs every case of the ops that `ports` has and writes the answers. A port takes (arguments, grad_output) and returns
// {output, gradients}, data in C order in the place of each array.
function run(directory, ports) {
  const index = JSON.parse(fs.readFileSync(path.join(directory, 'index.json'), 'utf8'));
  fs.mkdirSync(path.join(directory, 'results'), {recursive: true});
  for (const op of index.ops.filter((entry) => entry.name in ports)) {
    const arrays = npz(path.join(directory, op.file));
    const answers = {};
    for (const test of op.cases) {
      for (const call of [test.float64, test.float32]) {
        const given = {...decoded(op.defaults, arrays), ...decoded(call.arguments, arrays)};
        const {output, gradients} = ports[op.name](given, decoded(call.grad_output, arrays));
        answer(call.output, output, answers);
        answer(call.gradients, gradients, answers);
      }
    }
    fs.writeFileSync(path.join(directory, 'results', `${op.name}.json`), JSON.stringify(answers));
  }
}

module.exports = {npz, decoded, run};
