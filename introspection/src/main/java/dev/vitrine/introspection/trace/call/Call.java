// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import java.util.List;

/** A system call as it is declared. */
public final class Call {
    private final Abi abi;
    private final int number;
    private final String name;
    private final Parameter[] parameters;
    private final Scalar result;

    Call(Abi abi, int number, String name, List<Parameter> parameters, Scalar result) {
        this.abi = abi;
        this.number = number;
        this.name = name;
        this.parameters = parameters.toArray(new Parameter[0]);
        this.result = result;
    }

    public Abi abi() {
        return abi;
    }

    /** Its number in the ABI. */
    public int number() {
        return number;
    }

    public String name() {
        return name;
    }

    /** How many parameters it has. */
    public int parameterCount() {
        return parameters.length;
    }

    /** Whether it never returns. */
    public boolean isExit() {
        return name.equals("exit") || name.equals("exit_group");
    }

    /** How the result is told. */
    Scalar result() {
        return result;
    }

    Parameter[] parameters() {
        return parameters;
    }
}
