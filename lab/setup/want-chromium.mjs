/**
 * A browser for the tests of the pages. Wanted, not needed: without one those tests skip and print why.
 */
import { existsSync } from 'node:fs'
import { findProgram } from './find-program.mjs'
import { say } from './stop-with.mjs'
import { installPackage } from './system-packages.mjs'

/** Ubuntu's package of this name is a snap, which does not run where the tests do; Homebrew has none. */
const NAMES = { 'apt-get': 'chromium', dnf: 'chromium', apk: 'chromium', pacman: 'chromium', zypper: 'chromium' }
const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const APPLICATIONS = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium']

/** Environment for the tests: `RELAIS_CHROMIUM`, or `RELAIS_NO_CHROMIUM` with the reason. */
export async function wantChromium() {
  if (!findChromium()) {
    const remedy = isUbuntu() ? 'Install Google Chrome or Chromium by hand.' : await installPackage('Chromium', NAMES)
    if (remedy) say(`Without Chromium the tests of the pages skip. ${remedy}`)
  }
  const program = findChromium()
  return program ? { RELAIS_CHROMIUM: program } : { RELAIS_NO_CHROMIUM: 'no Chromium or Chrome was found and none could be installed' }
}

function findChromium() {
  const chosen = process.env.RELAIS_CHROMIUM
  if (chosen) return chosen
  return PROGRAMS.map((name) => findProgram(name)).find(Boolean) ?? APPLICATIONS.find((file) => existsSync(file))
}

function isUbuntu() {
  return existsSync('/etc/lsb-release') && existsSync('/usr/bin/snap')
}
