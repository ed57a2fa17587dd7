// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

/** What the meaning of one argument may depend on: the other ones. */
public interface CallView {
    Abi abi();

    /** A parameter's number; 0 if there is none of that index. */
    long value(int parameter);

    /** A call without parameters. */
    static CallView of(Abi abi) {
        return new CallView() {
            @Override
            public Abi abi() {
                return abi;
            }

            @Override
            public long value(int parameter) {
                return 0;
            }
        };
    }
}
