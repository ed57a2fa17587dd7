// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

/**
 * A number of 128 significant bits, the working precision of the transcendental functions: {@code
 * (-1)^negative * hi.lo * 2^(exponent - 127)} with the highest bit of hi set, or zero (hi = lo =
 * 0). Results are truncated or jammed, never better than about 2^-125 relative, which is far below
 * what a rounding to 64 bits can notice.
 */
final class Wide {
    boolean negative;
    int exponent;
    long hi;
    long lo;

    void set(boolean negative, int exponent, long hi, long lo) {
        this.negative = negative;
        this.exponent = exponent;
        this.hi = hi;
        this.lo = lo;
    }

    void set(Wide o) {
        set(o.negative, o.exponent, o.hi, o.lo);
    }

    /** A finite 80-bit value; denormals are normalised. */
    void set(long m, int e) {
        int x = e & Float80.MAX_EXPONENT;
        if (x == 0) {
            x = 1;
        }
        if (m >= 0) {
            int s = Long.numberOfLeadingZeros(m);
            m <<= s;
            x -= s;
        }
        set((e & Float80.SIGN) != 0, x - Float80.BIAS, m, 0);
    }

    /** An integer. */
    void set(long n) {
        long m = Math.abs(n);
        int s = Long.numberOfLeadingZeros(m);
        set(n < 0, 63 - s, m << s, 0);
    }

    boolean isZero() {
        return hi == 0 && lo == 0;
    }

    /** Makes the highest bit of hi set again. */
    void normalize() {
        if (hi == 0) {
            if (lo == 0) {
                return;
            }
            hi = lo;
            lo = 0;
            exponent -= 64;
        }
        int s = Long.numberOfLeadingZeros(hi);
        if (s != 0) {
            hi = hi << s | lo >>> -s;
            lo <<= s;
            exponent -= s;
        }
    }

    /** Makes the magnitude smaller by less than any rounding notices, but for its direction. */
    void decrease() {
        if (lo-- == 0) {
            hi--;
        }
        normalize();
    }

    /** this *= b. */
    void multiply(Wide b) {
        negative ^= b.negative;
        exponent += b.exponent + 1;
        multiplyHigh(b.hi, b.lo);
        if (hi >= 0) {
            normalize();
        }
    }

    /** this = the high half of this * (bh.bl), both taken as 128-bit integers; within 3 units. */
    void multiplyHigh(long bh, long bl) {
        long ah = hi;
        long al = lo;
        long h = Math.unsignedMultiplyHigh(ah, bh);
        long l = ah * bh;
        long p = Math.unsignedMultiplyHigh(ah, bl);
        l += p;
        if (Long.compareUnsigned(l, p) < 0) {
            h++;
        }
        p = Math.unsignedMultiplyHigh(al, bh);
        l += p;
        if (Long.compareUnsigned(l, p) < 0) {
            h++;
        }
        hi = h;
        lo = l;
    }

    /** this += b. */
    void add(Wide b) {
        if (b.isZero()) {
            return;
        }
        if (isZero()) {
            set(b);
            return;
        }
        long ah = hi;
        long al = lo;
        long bh = b.hi;
        long bl = b.lo;
        int shift = exponent - b.exponent;
        boolean sameSign = negative == b.negative;
        if (shift < 0 || (shift == 0 && compare(ah, al, bh, bl) < 0)) {
            long x = ah;
            ah = bh;
            bh = x;
            x = al;
            al = bl;
            bl = x;
            exponent = b.exponent;
            negative = b.negative;
            shift = -shift;
        }
        if (shift >= 128) {
            bh = 0;
            bl = 1;
        } else if (shift >= 64) {
            bl = shift == 64 ? bh : bh >>> shift;
            bl |= 1;
            bh = 0;
        } else if (shift > 0) {
            bl = bl >>> shift | bh << -shift;
            bh >>>= shift;
        }
        if (sameSign) {
            lo = al + bl;
            hi = ah + bh;
            boolean carry = Long.compareUnsigned(hi, ah) < 0;
            if (Long.compareUnsigned(lo, al) < 0) {
                hi++;
                carry |= hi == 0;
            }
            if (carry) {
                lo = lo >>> 1 | hi << 63;
                hi = hi >>> 1 | Long.MIN_VALUE;
                exponent++;
            }
        } else {
            lo = al - bl;
            hi = ah - bh - (Long.compareUnsigned(al, bl) < 0 ? 1 : 0);
            normalize();
        }
    }

    private static int compare(long ah, long al, long bh, long bl) {
        return ah != bh ? Long.compareUnsigned(ah, bh) : Long.compareUnsigned(al, bl);
    }

    /** this /= b; {@code r} lends its division scratch. */
    void divide(Float80 r, Wide b) {
        negative ^= b.negative;
        exponent -= b.exponent;
        long ah = hi;
        long al = lo;
        long bh = b.hi;
        long bl = b.lo;
        if (compare(ah, al, bh, bl) >= 0) {
            al = al >>> 1 | ah << 63;
            ah >>>= 1;
        } else {
            exponent--;
        }
        long q1 = digit(r, ah, al, bh, bl, 0);
        long q0 = digit(r, r.hi, r.lo, bh, bl, 0);
        hi = q1;
        lo = q0;
        if (hi >= 0) {
            normalize();
        }
    }

    /**
     * One 64-bit digit of (ah.al.next) / (bh.bl), where ah.al < bh.bl and bh is normalised; the
     * remainder goes to r.hi and r.lo.
     */
    private static long digit(Float80 r, long ah, long al, long bh, long bl, long next) {
        long q;
        if (ah == bh) {
            q = -1L;
        } else {
            q = Float80Arithmetic.divide128(r, ah, al, bh);
        }
        // rest = ah.al.next - q * bh.bl, corrected while negative (at most twice).
        long pl = q * bl;
        long pm = Math.unsignedMultiplyHigh(q, bl);
        long m = q * bh;
        long ph = Math.unsignedMultiplyHigh(q, bh);
        pm += m;
        if (Long.compareUnsigned(pm, m) < 0) {
            ph++;
        }
        long l = next - pl;
        long borrow = Long.compareUnsigned(next, pl) < 0 ? 1 : 0;
        long mid = al - pm;
        long borrow2 = Long.compareUnsigned(al, pm) < 0 ? 1 : 0;
        if (Long.compareUnsigned(mid, borrow) < 0) {
            borrow2++;
        }
        mid -= borrow;
        long h = ah - ph - borrow2;
        while (h != 0) {
            q--;
            l += bl;
            long carry = Long.compareUnsigned(l, bl) < 0 ? 1 : 0;
            long sum = mid + bh;
            long carry2 = Long.compareUnsigned(sum, bh) < 0 ? 1 : 0;
            sum += carry;
            if (carry != 0 && sum == 0) {
                carry2 = 1;
            }
            mid = sum;
            h += carry2;
        }
        r.hi = mid;
        r.lo = l;
        return q;
    }

    /**
     * Rounds to 64 bits of significand (or fewer for denormals), as an irrational number of about
     * this value.
     */
    void roundInexact(Float80 r, int control) {
        Float80Arithmetic.round(
                r,
                negative ? Float80.SIGN : 0,
                exponent + Float80.BIAS,
                hi,
                lo | 1,
                control | Float80Arithmetic.FULL_PRECISION);
    }

    /** Rounds a value that may be exact. */
    void round(Float80 r, int control) {
        Float80Arithmetic.round(
                r,
                negative ? Float80.SIGN : 0,
                exponent + Float80.BIAS,
                hi,
                lo,
                control | Float80Arithmetic.FULL_PRECISION);
    }
}
