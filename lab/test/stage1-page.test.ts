/**
 * The page as a person meets it: a real Chromium, scripts switched off, in English and French, at a desk and on a phone.
 */
import { existsSync } from 'node:fs'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { recordsOf } from './support/database-contents.ts'
import { within } from './support/patience.ts'
import { RunningStage } from './support/running-stage.ts'

const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/usr/bin/google-chrome-stable']
const APPLICATIONS = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium']

// `npm test` says which, or why none; without it, the usual places are looked at.
const program = process.env['RELAIS_CHROMIUM'] ?? [...PROGRAMS, ...APPLICATIONS].find((file) => existsSync(file))
if (program === undefined) {
  console.log(`The tests of the page skip: ${process.env['RELAIS_NO_CHROMIUM'] ?? 'no Chromium or Chrome was found'}.`)
}

/** Until the page, or a replica, has it. */
const SHOWN = within(10_000)

const DESK = { width: 1280, height: 900 }
const PHONE = { width: 320, height: 640 }
const LONG_MESSAGE = `${'unbroken'.repeat(300)}\n${'line\n'.repeat(40)}`

describe.skipIf(program === undefined)('the page, without scripts', () => {
  let stage: RunningStage
  let browser: Browser
  beforeAll(async () => {
    // Root may run Chromium only outside its sandbox; the page it shows is our own.
    const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
    ;[stage, browser] = await Promise.all([RunningStage.start(), chromium.launch({ executablePath: program!, args })])
  })
  afterAll(async () => {
    await browser?.close()
    await stage?.remove()
  })

  /** What the browser had to complain about: blocked resources, errors, answers that are none. */
  let complaints: string[]
  let pages: Page[]
  beforeEach(() => {
    complaints = []
    pages = []
  })
  afterEach(async () => {
    await Promise.all(pages.map((page) => page.context().close()))
    expect(complaints).toEqual([])
  })

  async function open(path: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ javaScriptEnabled: false, locale: 'en-GB', viewport: DESK, ...options })
    const page = await context.newPage()
    pages.push(page)
    page.on('console', (message) => complaints.push(`console: ${message.text()}`))
    page.on('pageerror', (error) => complaints.push(`error: ${error.message}`))
    page.on('requestfailed', (request) => {
      const reason = request.failure()?.errorText ?? ''
      // What it was still loading when it was sent elsewhere.
      if (reason !== 'net::ERR_ABORTED') complaints.push(`failed: ${request.url()} ${reason}`)
    })
    page.on('response', (response) => {
      if (response.status() >= 400) complaints.push(`${response.status()}: ${response.url()}`)
      if (new URL(response.url()).origin !== stage.entry('frontend')) complaints.push(`from elsewhere: ${response.url()}`)
    })
    await page.goto(`${stage.entry('frontend')}${path}`)
    return page
  }

  async function save(page: Page, message: string): Promise<void> {
    await page.locator('textarea[name=message]').fill(message)
    await page.locator('form.submit button[type=submit]').click()
  }

  /** The page does not run scripts of its own; Playwright's, which ask for sizes, still work. */
  async function overflow(page: Page): Promise<number> {
    // Of the page, and of each message in itself: cut off at the edge is not readable either.
    return page.evaluate(() => {
      const { document } = globalThis as any
      const boxes: any[] = [document.documentElement, ...document.querySelectorAll('.message')]
      return Math.max(...boxes.map((box) => (box.scrollWidth as number) - (box.clientWidth as number)))
    })
  }

  test('saves a message, shows it and who served it, and a reload repeats nothing', async () => {
    const page = await open('/')
    await save(page, 'Hello from a <b>browser</b> 👋')
    const notice = page.getByRole('status')
    await expect.poll(() => notice.textContent(), SHOWN).toContain('DB1 took the write.')
    expect(await notice.textContent()).toMatch(/It went through frontend\d\b.*backend\d\b.*db1/)
    const record = page.locator('li.record.is-new')
    expect(await record.locator('.message').textContent()).toBe('Hello from a <b>browser</b> 👋')
    expect(await record.textContent()).toContain('written on DB1')
    expect(new URL(page.url()).pathname).toBe('/')

    await page.reload()
    await page.reload()
    const records = await recordsOf(stage.url('db1'))
    expect(records.filter(({ message }) => message.startsWith('Hello from'))).toHaveLength(1)
  })

  test('shows the way it took, drawn and in words', async () => {
    const page = await open('/')
    const text = await page.locator('main').textContent()
    expect(text).toMatch(/Served by frontend\d.*backend\d.*db\d/s)
    expect(await page.getByRole('img').or(page.locator('svg')).count()).toBeGreaterThan(0)
    // Round-robin: another load, another frontend.
    const ways = new Set<string>()
    for (let load = 1; load <= 6; load++) {
      await page.reload()
      ways.add(/Served by (frontend\d)/.exec((await page.locator('main').textContent())!)![1]!)
    }
    expect(ways).toEqual(new Set(['frontend1', 'frontend2', 'frontend3']))
  })

  test('speaks French to a French browser, and either language to who chooses it', async () => {
    const page = await open('/', { locale: 'fr-FR' })
    expect(await page.locator('html').getAttribute('lang')).toBe('fr')
    expect(await page.locator('h1').textContent()).toBe('Enregistrez un message, voyez le chemin qu’il prend')
    await save(page, 'Où est la forêt ? « Là-bas »')
    await expect.poll(() => page.getByRole('status').textContent(), SHOWN).toContain('est enregistré')
    expect(await page.locator('li.record.is-new .message').textContent()).toBe('Où est la forêt ? « Là-bas »')
    await page.getByRole('link', { name: 'English' }).click()
    await expect.poll(() => page.locator('html').getAttribute('lang')).toBe('en')
    // The choice goes along without a cookie.
    await page.getByRole('link', { name: 'All records' }).first().click()
    await expect.poll(() => page.locator('h1').textContent(), SHOWN).toBe('Records')
    expect(await page.context().cookies()).toEqual([])
  })

  test('fits a phone, long words and long messages included', async () => {
    const page = await open('/', { viewport: PHONE, isMobile: true, hasTouch: true, deviceScaleFactor: 2 })
    await save(page, LONG_MESSAGE)
    await expect.poll(() => page.getByRole('status').textContent(), SHOWN).toContain('is saved')
    expect(await overflow(page)).toBe(0)
    await page.locator('summary').first().click()
    expect(await overflow(page)).toBe(0)
    for (const path of ['/records', '/records?lang=fr', '/?lang=fr']) {
      await page.goto(`${stage.entry('frontend')}${path}`)
      expect(await overflow(page), path).toBe(0)
    }
    const button = await page.locator('form.submit button').boundingBox()
    expect(button!.height).toBeGreaterThanOrEqual(40)
    // An error page repeats what was asked for: a path, a parameter.
    for (const path of [`/${'nowhere'.repeat(40)}`, `/records?before=${'x'.repeat(80)}`]) {
      await page.goto(`${stage.entry('frontend')}${path}`)
      expect(await page.locator('.problem-page').textContent()).toMatch(/(?:nowhere|x){40}/)
      expect(await overflow(page), path).toBe(0)
    }
    expect(complaints.filter((complaint) => !/\b40[04]\b/.test(complaint))).toEqual([])
    complaints = []
  })

  test('pages through the records', async () => {
    for (let number = 1; number <= 25; number++) {
      const body = JSON.stringify({ message: `listed ${number}` })
      await fetch(`${stage.entry('frontend')}/api/data`, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    }
    await expect.poll(async () => (await recordsOf(stage.url('db3'))).length, SHOWN).toBe((await recordsOf(stage.url('db1'))).length)
    await expect.poll(async () => (await recordsOf(stage.url('db2'))).length, SHOWN).toBe((await recordsOf(stage.url('db1'))).length)
    const page = await open('/records')
    expect(await page.locator('li.record').count()).toBe(20)
    await page.getByRole('link', { name: 'Older' }).click()
    await expect.poll(() => page.locator('li.record').first().textContent(), SHOWN).toContain('listed 5')
  })

  test('says what is wrong with a message, and keeps it', async () => {
    const page = await open('/')
    // As a browser that does not know `maxlength`, or a person who took it away.
    await page.locator('textarea[name=message]').evaluate((area: any) => area.removeAttribute('maxlength'))
    await save(page, 'x'.repeat(10_001))
    await expect.poll(() => page.getByRole('alert').textContent(), SHOWN).toContain('The message was not saved')
    expect((await page.locator('textarea[name=message]').inputValue()).length).toBe(10_001)
    expect(await page.locator('textarea[name=message]').getAttribute('aria-invalid')).toBe('true')
    expect(complaints.filter((complaint) => !complaint.includes('422'))).toEqual([])
    complaints = []
  })

  test('looks like itself: the stylesheet is applied under the policy, in light and in dark', async () => {
    const colours: string[] = []
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open('/', { colorScheme })
      colours.push(await page.locator('body').evaluate((body: any) => (globalThis as any).getComputedStyle(body).backgroundColor as string))
    }
    expect(new Set(colours).size).toBe(2)
  })
})
