// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;

/** A system call as it is declared. */
public final class Call {
    private final Abi abi;
    private final int number;
    private final String name;
    private final Parameter[] parameters;
    private final Scalar result;

    /** Index of the parameter that the forms belong to. */
    private int command;

    /** By what that parameter is; null if the call has only one form. */
    private @Nullable Map<Long, Call> forms;

    Call(Abi abi, int number, String name, List<Parameter> parameters, Scalar result) {
        this.abi = abi;
        this.number = number;
        this.name = name;
        this.parameters = parameters.toArray(new Parameter[0]);
        this.result = result;
    }

    /** Has other parameters where the parameter of an index is one of these numbers. */
    void setForms(int parameter, Map<Long, Call> byNumber) {
        command = parameter;
        forms = byNumber;
    }

    /** The call with the parameters that it has for what is in the registers. */
    Call form(long[] registers) {
        Map<Long, Call> all = forms;
        if (all == null) {
            return this;
        }
        long number = parameters[command].scalar().inRegister(abi, registers[command]);
        return all.getOrDefault(number, this);
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
