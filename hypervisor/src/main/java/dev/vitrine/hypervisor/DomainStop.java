// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import org.jspecify.annotations.Nullable;

/**
 * The end of a domain's run.
 *
 * @param vcpu the vCPU that caused it, or -1
 * @param message what happened, one sentence
 * @param report state of the vCPU if the domain crashed
 * @param cause the exception behind an {@link StopReason#INTERNAL_ERROR}
 */
public record DomainStop(
        StopReason reason,
        int vcpu,
        String message,
        @Nullable CrashReport report,
        @Nullable Throwable cause) {}
