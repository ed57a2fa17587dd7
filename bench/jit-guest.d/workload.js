// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
//
// What makes V8 work: hot loops of all kinds, code that is compiled for types that then change, and
// thrown away and compiled again, functions and WebAssembly made on the way, collections, worker
// threads. Each task prints a checksum that depends on nothing but the round's number.
//
//   node workload.js SECONDS ROUNDS THREADS [TASK...]
//
// ends after the round in which SECONDS are over, or after ROUNDS of them; 0 means no limit. Each line
// is "= ROUND TASK CHECKSUM".
'use strict';

const crypto = require('crypto');
const zlib = require('zlib');
const vm = require('vm');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');

/** Mulberry32: numbers of 32 bits. */
class Rng {
    constructor(seed) {
        this.state = seed | 0;
    }

    next() {
        this.state = (this.state + 0x6d2b79f5) | 0;
        let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return (t ^ (t >>> 14)) >>> 0;
    }

    below(bound) {
        return this.next() % bound;
    }

    bytes(count) {
        const bytes = new Uint8Array(count);
        for (let i = 0; i < count; i++) bytes[i] = this.next();
        return bytes;
    }
}

/** FNV-1a over whatever can be made text. */
function sum(...values) {
    let h = 0x811c9dc5;
    for (const value of values) {
        const text = typeof value === 'string' ? value : String(value);
        for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
        h = Math.imul(h ^ 0x1f, 0x01000193);
    }
    return h >>> 0;
}

function require_(condition, what) {
    if (!condition) throw new Error(what);
}

const tasks = {
    integers(rng) {
        let a = rng.next() | 0, b = rng.next() | 0, c = 0;
        for (let n = 1; n < 150000; n++) {
            a = (Math.imul(a, 1664525) + b) | 0;
            b ^= (a >>> 5) + (a << 3) + ((a / (n | 1)) | 0) + (b % n);
            c = (c + Math.clz32(b) + (a > b ? a & 0xff : b >> 4) + (a >>> 0) % 1000) % 0x7fffffff;
        }
        return sum(a, b, c);
    },

    floats(rng) {
        let x = rng.below(1000) / 7 + 0.1, y = 0;
        for (let n = 1; n < 30000; n++) {
            x = Math.sqrt(x * n + 1) - Math.sin(x) + Math.floor(x) / 3 + Math.round(x * 0.7);
            y += Math.atan2(x, n) + Math.exp(-x / 1e6) + Math.log1p(x) + Math.fround(x) % 0.75;
            y = y > 1e6 ? Math.cbrt(y) : y + Math.trunc(-y / 3) + Math.hypot(x, 3);
            if (n % 1000 === 0) x = Math.abs(x) % 17 + Math.max(-0, 1 / (n - 1000));
            if (!isFinite(x)) x = 1.5;
        }
        return sum(x, y, x.toFixed(7), y.toString(3), Number.MIN_VALUE * 3, parseFloat(String(x / 3)) === x / 3);
    },

    matrix(rng) {
        const n = 40, a = new Float64Array(n * n), b = new Float32Array(n * n), c = [];
        for (let i = 0; i < n * n; i++) {
            a[i] = rng.below(1000) / 16;
            b[i] = rng.below(1000) / 3;
        }
        for (let i = 0; i < n; i++) {
            c.push([]);
            for (let j = 0; j < n; j++) {
                let s = 0;
                for (let k = 0; k < n; k++) s += a[i * n + k] * b[k * n + j];
                c[i][j] = s;
            }
        }
        return sum(c.map((row) => row.reduce((s, x) => s * 0.5 + x)).join());
    },

    arrays(rng) {
        const bytes = rng.bytes(20000);
        const kinds = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array,
            Uint32Array, Float32Array, Float64Array];
        let h = 0;
        for (const Kind of kinds) {
            const array = new Kind(4000);
            for (let i = 0; i < array.length; i++) array[i] = bytes[i] * 300 - bytes[i + 1] * 77.7;
            array.sort();
            array.copyWithin(10, 100, 900);
            h = sum(h, array.subarray(0, 500).join(), array.indexOf(array[777]));
        }
        const view = new DataView(bytes.buffer);
        for (let n = 0; n < 40000; n++) {
            const at = (h >>> 3) % 19990;
            view.setUint32(at, h, (n & 1) === 0);
            h = (h + view.getInt16(at + 1) + view.getUint8(at + 3) + (view.getFloat32(at) > 1 ? n : 3)) >>> 0;
            h = Math.imul(h, 2654435761) >>> 0;
        }
        const mixed = [];
        for (let i = 0; i < 3000; i++) {
            mixed.push(i % 1500 < 1000 ? rng.below(100) : i % 3 ? i / 3 : 'x' + i);
            if (i % 97 === 0) mixed[i + 40] = i;
            if (i % 400 === 0) delete mixed[i >> 1];
        }
        const sorted = Array.from({ length: 5000 }, () => rng.below(100000)).sort((p, q) => p - q);
        return sum(h, mixed.flat().slice(0, 900).join(), mixed.length, sorted.filter((x) => x & 1).join());
    },

    bigints(rng) {
        let a = 1n, b = BigInt(rng.next()), m = (1n << 521n) - 1n;
        for (let n = 0; n < 500; n++) {
            a = (a * (b + BigInt(rng.next()))) % m + (a >> 3n);
            b ^= a & 0xffffffffffffn;
            if (n % 100 === 0) b = BigInt.asUintN(128, -b);
        }
        const f = Array.from({ length: 300 }, (_, i) => BigInt(i + 1)).reduce((p, q) => p * q);
        require_((f / a) * a + (f % a) === f, 'division');
        const i64 = new BigInt64Array(100);
        for (let i = 0; i < 20000; i++) i64[i % 100] += BigInt.asIntN(64, a) * BigInt(i);
        return sum(a, b, f.toString(36), i64.join());
    },

    strings(rng) {
        let text = '';
        for (let i = 0; i < 2000; i++) {
            text += 'w' + rng.below(1000) + String.fromCharCode(97 + rng.below(26)) + (i % 50 ? '' : '\u20ac\u{1f600}') + ', ';
        }
        const parts = text.split(', ').map((p) => p.trim().toUpperCase().padStart(8, '.'));
        const coded = Buffer.from(text, 'utf8').toString('base64');
        require_(Buffer.from(coded, 'base64').toString('utf8') === text, 'UTF-8');
        let found = 0;
        for (let at = text.indexOf('77'); at >= 0; at = text.indexOf('77', at + 1)) found += at;
        return sum(parts.join('|'), coded.slice(-1000), found, text.replace(/w1/g, '<one>').length,
            [...text.slice(0, 500)].reverse().join(''), encodeURIComponent(text.slice(0, 300)),
            text.slice(5, 5000).localeCompare(text.slice(4, 5000)) !== 0, text.normalize('NFD').length);
    },

    regexps(rng) {
        let text = '';
        for (let i = 0; i < 1000; i++) {
            text += 'key' + rng.below(1500) + '=' + (rng.below(2) ? '"v ' + rng.below(99) + '"' : rng.below(9999) / 10);
            text += i % 7 ? ';' : '\n';
        }
        let h = 0;
        for (const m of text.matchAll(/(?<key>[a-z]+)(\d{1,3})=(?<value>"[^"]*"|[-+]?\d+(?:\.\d+)?)/g)) {
            h = sum(h, m.groups.key, m[2], m.groups.value, m.index);
        }
        // V8 compiles each of these.
        for (let n = 0; n < 10; n++) {
            const made = new RegExp('(?:a|aa|b(?=' + n + '))*c|^k.*?(\\d)\\1[' + n + '-9]|(?<=' + rng.below(10) + ')=', 'gm' + (n & 1 ? 'i' : 'u'));
            h = sum(h, (text.match(made) || []).length, made.test('a'.repeat(18) + 'b'));
        }
        return sum(h, text.replace(/([0-9]+)\.([0-9])/g, (all, p, q) => q + ',' + p));
    },

    json(rng) {
        const make = (depth) => depth === 0
            ? [rng.below(100), 'text ' + rng.below(9), rng.below(1000) / 8, null, true][rng.below(5)]
            : rng.below(2)
                ? Array.from({ length: 1 + rng.below(5) }, () => make(depth - 1))
                : Object.fromEntries(Array.from({ length: 1 + rng.below(5) }, (_, i) => ['k' + i + rng.below(20), make(depth - 1)]));
        let h = 0;
        for (let n = 0; n < 6; n++) {
            const text = JSON.stringify([make(6), make(5)], null, n & 1 ? 1 : undefined);
            const again = JSON.parse(text, n % 4 === 3 ? (k, v) => (typeof v === 'number' ? v + 1 : v) : undefined);
            h = sum(h, text, JSON.stringify(again).length);
        }
        return h;
    },

    // Hidden classes come and go, and code that is made for some is left when others come.
    shapes(rng) {
        class Circle { constructor(r) { this.r = r; } area() { return this.r * this.r * 3; } }
        class Square { constructor(s) { this.s = s; } area() { return this.s * this.s; } }
        class Rectangle extends Square {
            #w = 2;
            constructor(s) { super(s); this.tall = s > 5; }
            area() { return super.area() * this.#w + (this.tall ? 1 : 0); }
            get half() { return this.area() / 2; }
        }
        const made = [new Circle(3), new Square(2.5), new Rectangle(7)];
        const total = (objects, n) => {
            let s = 0;
            for (let i = 0; i < n; i++) s += objects[i % objects.length].area() + (objects[0].extra || 0);
            return s;
        };
        let s = total(made.slice(0, 1), 20000) + total(made.slice(0, 2), 20000) + total(made, 20000);
        made[0].extra = rng.below(10);
        made.push({ area: () => 1n === 1n ? 5 : 6 }, Object.create(made[1], { s: { value: 9 } }));
        s += total(made, 20000) + made[2].half;
        Circle.prototype.area = function () { return this.r; };
        s += total(made, 20000);
        const proxy = new Proxy(made[0], { get: (t, k) => (k === 'r' ? 11 : Reflect.get(t, k)) });
        s += total([proxy], 3000);
        const bag = {};
        for (let i = 0; i < 3000; i++) {
            bag['p' + rng.below(700)] = i;
            if (i % 5 === 0) delete bag['p' + rng.below(700)];
        }
        const add = (a, b) => a + b;
        for (let i = 0; i < 30000; i++) s = add(s, i & 3) % 1e9;
        return sum(s, add('a', 1), add(1.5, s), add(0x7fffffff, 1), Object.keys(bag).sort().join(), JSON.stringify(bag).length);
    },

    closures(rng) {
        const compose = (...fs) => (x) => fs.reduce((v, f) => f(v), x);
        function* numbers(n) {
            let a = rng.below(100);
            for (let i = 0; i < n; i++) {
                const more = yield a;
                a = (a * 31 + i + (more || 0)) % 65536;
            }
        }
        let h = 0;
        for (let n = 0; n < 40; n++) {
            const k = rng.below(100);
            const f = compose((x) => x + k, (x) => x * n, ({ length = 3 }) => length + k, (x) => [x, ...[n, k]], ([p, , q]) => p ^ q);
            for (const x of numbers(200)) h = (h * 33 + f(x)) | 0;
        }
        const memo = new Map();
        const steps = (n) => {
            if (n === 1) return 0;
            if (!memo.has(n)) memo.set(n, 1 + steps(n % 2 ? 3 * n + 1 : n / 2));
            return memo.get(n);
        };
        for (let i = 1; i < 5000; i++) h = (h + steps(i)) | 0;
        return sum(h, memo.size);
    },

    exceptions(rng) {
        let h = 0;
        const thrower = (n) => {
            if (n % 7 === 0) throw new RangeError('n ' + n);
            if (n % 11 === 0) return null.field;
            if (n % 13 === 0) undefined_();
            return n;
        };
        for (let i = 0; i < 6000; i++) {
            try {
                h = (h * 31 + thrower(rng.below(1000))) | 0;
            } catch (e) {
                h = (h + e.name.length) | 0;
            } finally {
                h ^= i;
            }
        }
        const endless = (n) => endless(n + 1) + 1;
        for (let i = 0; i < 3; i++) {
            try {
                endless(0);
            } catch (e) {
                h = sum(h, e instanceof RangeError);
            }
        }
        return sum(h);
    },

    // Code that is made here, run until it is compiled, and forgotten.
    code(rng) {
        let h = 0;
        for (let n = 0; n < 12; n++) {
            const lines = [];
            for (let i = 0; i < 6; i++) {
                const v = 'abc'[rng.below(3)], w = 'abc'[rng.below(3)];
                lines.push([
                    `${v} = (${v} + ${w} * ${rng.below(1000)}) | 0;`,
                    `${v} ^= ${w} >>> ${rng.below(31)};`,
                    `if (${v} > ${w}) ${v} -= ${rng.below(99)}; else ${w}++;`,
                    `${v} = Math.imul(${v}, ${rng.next() | 1}) % ${1 + rng.below(1e6)};`,
                    `${v} = [${v}, ${w}, i][(i + ${rng.below(3)}) % 3] | 0;`,
                ][rng.below(5)]);
            }
            const text = `let c = 7; for (let i = 0; i < ${n % 5 ? 300 : 20000}; i++) { ${lines.join(' ')} } return a ^ b ^ c;`;
            const f = new Function('a', 'b', text);
            let x = n;
            for (let i = 0; i < 5; i++) x = f(x, i) | 0;
            h = sum(h, x);
            if (n % 8 === 0) h = sum(h, vm.runInNewContext('(function (a, b) {' + text + '})(3, q)', { q: n }));
        }
        return h;
    },

    // (module (func (export "f") (param i32 i32) (result i32) (loop ...))), with constants of its own.
    wasm(rng) {
        let h = 0;
        for (let n = 0; n < 8; n++) {
            const k = 1 + rng.below(60), shift = 1 + rng.below(30);
            const body = [1, 1, 0x7f, // one local: the result
                0x03, 0x40, // loop
                0x20, 2, 0x41, k, 0x6c, 0x20, 0, 0x6a, 0x20, 1, 0x73, 0x22, 2, // r = (r * k + a) ^ b
                0x20, 2, 0x41, shift, 0x78, 0x6a, 0x21, 2, // r += rotr(r, shift)
                0x41, 0, 0x20, 2, 0x36, 2, 0, // memory[0] = r
                0x20, 2, 0x41, 0, 0x2d, 0, 1, 0x6a, 0x21, 2, // r += (byte) memory[1]
                0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, // if (--a != 0) continue
                0x20, 2, 0x0b];
            const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
                1, 7, 1, 0x60, 2, 0x7f, 0x7f, 1, 0x7f,
                3, 2, 1, 0,
                5, 3, 1, 0, 1,
                7, 5, 1, 1, 0x66, 0, 0,
                10, body.length + 2, 1, body.length, ...body]);
            const { f } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
            for (let i = 1; i < 40; i++) {
                const b = rng.next() | 0;
                let is = f(i * 100, b), r = 0;
                if (i % 8 === 0) {
                    for (let a = i * 100; a !== 0; a--) {
                        r = (Math.imul(r, k) + a) ^ b;
                        r = (r + ((r >>> shift) | (r << (32 - shift)))) | 0;
                        r = (r + ((r >>> 8) & 255)) | 0;
                    }
                    require_(r === is, 'WebAssembly');
                }
                h = sum(h, is);
            }
        }
        return h;
    },

    collections(rng) {
        const map = new Map(), set = new Set(), weak = new WeakMap(), kept = [];
        for (let i = 0; i < 8000; i++) {
            const key = rng.below(4000), object = { key, next: kept[i >> 1] };
            map.set(key % 3 ? key : 'k' + key, (map.get(key) || 0) + i);
            if (set.has(key)) set.delete(key); else set.add(key);
            if (i % 8 === 0) {
                kept.push(object);
                weak.set(object, i);
            }
        }
        let h = set.size;
        for (const [k, v] of map) h = (h * 31 + v + String(k).length) | 0;
        for (const object of kept) h = (h + weak.get(object) + (object.next ? object.next.key : 0)) | 0;
        return sum(h, [...set].slice(0, 500).join());
    },

    memory(rng) {
        const grow = (depth, v) => depth === 0 ? { v } : { v, l: grow(depth - 1, (v * 2 + 1) | 0), r: grow(depth - 1, (v * 3 + 2) | 0) };
        const walk = (t) => (t.l ? (t.v + 3 * walk(t.l) + 5 * walk(t.r)) | 0 : t.v);
        let h = 0;
        for (let n = 0; n < 6; n++) h = (h + walk(grow(8 + n % 5, rng.below(1000)))) | 0;
        tasks.kept.push(grow(12, rng.below(1000)));
        if (tasks.kept.length > 10) h = (h + walk(tasks.kept.shift())) | 0;
        for (const tree of tasks.kept) {
            tree.young = grow(3, 1);
            h = (h + walk(tree) + walk(tree.young)) | 0;
        }
        const buffers = [];
        for (let i = 1; i < 60; i++) buffers.push(Buffer.alloc(i * 1000, i));
        if (rng.below(4) === 0 && global.gc) global.gc();
        require_(buffers.every((b, i) => b[b.length - 1] === i + 1), 'buffers');
        return sum(h);
    },

    digests(rng) {
        const bytes = rng.bytes(60000);
        let h = '';
        for (const name of ['md5', 'sha1', 'sha256', 'sha512', 'sha3-256', 'blake2b512']) {
            h += crypto.createHash(name).update(bytes).digest('hex');
        }
        for (const name of ['aes-128-cbc', 'aes-256-ctr', 'aes-128-gcm', 'chacha20-poly1305']) {
            const key = bytes.subarray(0, name.includes('128') ? 16 : 32);
            const iv = bytes.subarray(40, name.includes('gcm') || name.includes('cha') ? 52 : 56);
            const cipher = crypto.createCipheriv(name, key, iv, { authTagLength: 16 });
            h = sum(h, cipher.update(bytes, null, 'base64'), cipher.final('base64'));
        }
        const packed = zlib.deflateSync(bytes.subarray(0, 20000).join());
        require_(zlib.inflateSync(packed).toString() === bytes.subarray(0, 20000).join(), 'inflate');
        h = sum(h, packed.length, zlib.brotliCompressSync(bytes.subarray(0, 4000).join(), { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } }).length);
        return h;
    },

    async promises(rng) {
        let h = 0;
        const tick = async (n) => {
            if (n === 0) return rng.below(10);
            h = (h * 31 + n) | 0;
            return (await tick(n - 1)) + n;
        };
        for (let i = 0; i < 40; i++) {
            const all = await Promise.all([tick(i), tick(3), new Promise((done) => setImmediate(done, i)), (async () => { throw new Error('x' + i); })().catch((e) => e.message)]);
            h = sum(h, all.join());
        }
        return h;
    },

    // Each worker has a V8 of its own; what they share is a buffer.
    async workers(rng, threads) {
        const shared = new SharedArrayBuffer(4096);
        const seed = rng.next();
        const results = await Promise.all(Array.from({ length: threads }, (_, id) => new Promise((done, failed) => {
            const worker = new Worker(__filename, { workerData: { shared, id, threads, seed } });
            worker.on('message', done);
            worker.on('error', failed);
        })));
        const cells = new Int32Array(shared);
        require_(cells[0] === threads * 2000 && cells[1] === threads * 2000, 'Atomics ' + cells[0] + ' ' + cells[1]);
        return sum(results.join(), cells.slice(0, 40).join());
    },
};
tasks.kept = [];
Object.defineProperty(tasks, 'kept', { enumerable: false });

function work({ shared, id, threads, seed }) {
    const cells = new Int32Array(shared);
    for (let i = 0; i < 2000; i++) {
        Atomics.add(cells, 0, 1);
        // A lock, and what it protects.
        while (Atomics.compareExchange(cells, 2, 0, 1) !== 0) Atomics.wait(cells, 2, 1, 1);
        cells[1]++;
        Atomics.store(cells, 2, 0);
        Atomics.notify(cells, 2, 1);
        Atomics.xor(cells, 3, i * (id + 1));
    }
    const rng = new Rng(seed + id);
    const results = [id];
    for (const name of ['integers', 'regexps', 'code', 'memory']) results.push(tasks[name](rng));
    cells[8 + id] = results[1] & 0xffff;
    parentPort.postMessage(results.join());
}

async function main([seconds, rounds, threads, ...names]) {
    const begin = process.hrtime.bigint();
    const millis = () => Number((process.hrtime.bigint() - begin) / 1000000n);
    let round = 0;
    do {
        for (const name of names.length ? names : Object.keys(tasks)) {
            const result = await tasks[name](new Rng(round * 1000003 + sum(name)), Number(threads));
            console.log(`= ${round} ${name} ${sum(result).toString(16).padStart(8, '0')}`);
        }
        console.log(`# round ${round} ends after ${millis()} ms`);
        round++;
    } while (round !== Number(rounds) && (Number(seconds) === 0 || millis() < seconds * 1000));
    console.log(`= ${round} rounds`);
}

if (isMainThread) main(process.argv.slice(2)); else work(workerData);
