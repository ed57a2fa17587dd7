// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.toolstack.xenstore.XenStore;
import dev.vitrine.toolstack.xenstore.XenStoreClient;
import dev.vitrine.toolstack.xenstore.XsException;
import dev.vitrine.toolstack.xenstore.XsPermission;

/**
 * What libxl writes to xenstore for a new domain (libxl_create.c, libxl_dom.c;
 * docs/misc/xenstore-paths).
 */
final class DomainPaths {
    private DomainPaths() {}

    static void write(
            XenStore store,
            Domain domain,
            long memory,
            long storeGfn,
            int storePort,
            long consoleGfn,
            int consolePort) {
        int id = domain.id();
        String uuid = domain.config().uuid().toString();
        String home = "/local/domain/" + id;
        String vm = "/vm/" + uuid;
        try (XenStoreClient client = store.client(0)) {
            client.write("/local/domain/0/domid", "0");
            client.write("/local/domain/0/name", "Domain-0");
            client.mkdir(home);
            client.setPermissions(home, XsPermission.none(0), XsPermission.read(id));
            client.write(vm + "/name", domain.name());
            client.write(vm + "/uuid", uuid);
            client.setPermissions(vm, XsPermission.none(0), XsPermission.read(id));
            client.write(home + "/vm", vm);
            client.write(home + "/name", domain.name());
            client.write(home + "/domid", Integer.toString(id));
            client.write(home + "/type", "pvh");
            for (int i = 0; i < domain.vcpuCount(); i++) {
                client.write(home + "/cpu/" + i + "/availability", "online");
            }
            String kib = Long.toString(memory >> 10);
            client.write(home + "/memory/static-max", kib);
            client.write(home + "/memory/target", kib);
            client.write(home + "/memory/videoram", "0");
            client.write(home + "/store/ring-ref", Long.toString(storeGfn));
            client.write(home + "/store/port", Integer.toString(storePort));
            client.write(home + "/console/ring-ref", Long.toString(consoleGfn));
            client.write(home + "/console/port", Integer.toString(consolePort));
            client.write(home + "/console/limit", "1048576");
            client.write(home + "/console/type", "xenconsoled");
            // What the guest may write itself.
            String[] writable = {
                "device",
                "data",
                "drivers",
                "feature",
                "attr",
                "error",
                "control/shutdown",
                "control/feature-poweroff",
                "control/feature-reboot",
                "control/feature-suspend",
                "control/sysrq"
            };
            for (String name : writable) {
                client.mkdir(home + "/" + name);
                client.setPermissions(home + "/" + name, XsPermission.none(id));
            }
            client.write(home + "/control/platform-feature-multiprocessor-suspend", "1");
            client.write(home + "/control/platform-feature-xs_reset_watches", "1");
        } catch (XsException e) {
            throw new IllegalStateException("xenstore refuses a new domain's paths", e);
        }
    }
}
