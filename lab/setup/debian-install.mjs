/**
 * Installing a package on Debian and its kin without anything being started, now or at the next boot.
 *
 * - /usr/sbin/policy-rc.d answering 101 forbids the package's scripts to start services. One that is already there is put
 *   aside and put back, also when the install fails or is interrupted.
 * - A service that this install has newly enabled is disabled again; one that was there before is not touched.
 * - postgresql makes a cluster `main` for whoever installs it. A file of ours in createcluster.d, read after the user's own
 *   createcluster.conf, says no for the time of the install; postgresql-common, which owns that directory, comes first.
 *
 * Sources: invoke-rc.d(8) and "policy-rc.d" in /usr/share/doc/init-system-helpers; pg_createcluster(8).
 */
const POLICY = '/usr/sbin/policy-rc.d'
const CLUSTER_CONFIG = '/etc/postgresql-common/createcluster.d/zz-relais.conf'

/** Of the packages that the lab wants, those that bring a service. */
const WITH_SERVICE = new Set(['nginx', 'postgresql'])

/** For a person, who installs without the script: what starts is not stopped for them, as it may have been theirs before. Empty without a service. */
export function debianServiceNote(name) {
  if (!WITH_SERVICE.has(name)) return ''
  return ` (That starts and enables a service. If nothing else needs it, as root: systemctl disable --now ${name})`
}

/** A script for `sh`, run as root. */
export function debianScript(name) {
  const service = name === 'postgresql' ? 'postgresql' : name
  return `
set -e
export DEBIAN_FRONTEND=noninteractive
clean_up() {
  rm -f ${POLICY} ${CLUSTER_CONFIG}
  if [ -e ${POLICY}.before-relais ]; then mv ${POLICY}.before-relais ${POLICY}; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP
if [ -e ${POLICY} ] && [ ! -e ${POLICY}.before-relais ]; then mv ${POLICY} ${POLICY}.before-relais; fi
printf '#!/bin/sh\\nexit 101\\n' > ${POLICY}
chmod 755 ${POLICY}
was_enabled=no
for link in /etc/systemd/system/multi-user.target.wants/${service}.service /etc/rc2.d/S??${service}; do
  if [ -e "$link" ] || [ -L "$link" ]; then was_enabled=yes; fi
done
apt-get update
${name === 'postgresql' ? POSTGRESQL_FIRST : ''}apt-get install -y --no-install-recommends ${name}
if [ $was_enabled = no ]; then
  if command -v systemctl >/dev/null 2>&1; then systemctl disable ${service}.service >/dev/null 2>&1 || true; fi
  if command -v update-rc.d >/dev/null 2>&1; then update-rc.d ${service} disable >/dev/null 2>&1 || true; fi
fi
`
}

const POSTGRESQL_FIRST = `apt-get install -y --no-install-recommends postgresql-common
mkdir -p /etc/postgresql-common/createcluster.d
echo "create_main_cluster = false" > ${CLUSTER_CONFIG}
`
