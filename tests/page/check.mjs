// node check.mjs TRIAL CHROMIUM FILE...: one trial of the pages.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { arrow, browse, chapter, chapters, must, require, settled, shown } from './browser.mjs';

const [trial, executable, ...files] = process.argv.slice(2);

const trials = {
  /** Each arrow of each chapter is clicked, and shows its frame. */
  async mouse(open) {
    const page = await open(files[0]);
    for (const slug of await chapters(page)) {
      await chapter(page, slug);
      const { frames } = await shown(page);
      for (let number = 0; number < frames; number++) {
        await (await arrow(page, number)).click();
        const now = await shown(page);
        must(now.number === number && now.hash.startsWith(`#${slug}/s`), `click on frame ${number} of ${slug} shows ${JSON.stringify(now)}`);
        must(await page.locator('#frame .prose').first().innerText() !== '', `${now.hash} has no prose`);
      }
    }
  },

  /** The same by keys alone: down from arrow to arrow, Enter into the frame, Escape back. */
  async keys(open) {
    const page = await open(files[0]);
    for (const slug of await chapters(page)) {
      await chapter(page, slug);
      const { frames } = await shown(page);
      await (await arrow(page, 0)).focus();
      await page.keyboard.press('Enter');
      for (let number = 0; number < frames; number++) {
        const now = await shown(page);
        must(now.number === number, `after ${number} times down in ${slug} the page shows ${JSON.stringify(now)}`);
        await page.keyboard.press('ArrowDown');
      }
      await page.keyboard.press('Home');
      must((await shown(page)).number === 0, 'Home leads to the first frame');
      await page.keyboard.press('Escape');
      must(await page.evaluate(() => document.activeElement.closest('#conversation') !== null), 'Escape leads to the conversation');
    }
  },

  /** Tab reaches search, order, conversation, tabs, bytes and tree, and none of them is a trap. */
  async tab(open) {
    const page = await open(files[0], { hash: '#a-unary-call-twice/s1.data1' });
    const reached = new Set();
    await page.evaluate(() => document.activeElement.blur());
    for (let presses = 0; presses < 60; presses++) {
      await page.keyboard.press('Tab');
      const where = await page.evaluate(() => {
        const focus = document.activeElement;
        const near = focus.closest('#search, .bar, #conversation, .tabs, .hex, [role="tree"], #chapters');
        return near && (near.id || near.className || near.getAttribute('role'));
      });
      if (where) reached.add(where);
    }
    for (const part of ['search', 'bar', 'conversation', 'tabs', 'hex', 'virtual', 'chapters']) must(reached.has(part), `Tab never reached ${part}: ${[...reached]}`);
  },

  /** Whatever is chosen in the hex is chosen in the tree, and the other way round, by mouse and by key. */
  async selection(open) {
    const page = await open(files[0], { hash: '#a-unary-call-twice/s1.data1' });
    const chosen = () => page.evaluate(() => ({
      tree: [...document.querySelectorAll('.spanrow.on .name')].map(row => row.textContent).join(),
      hex: [...document.querySelectorAll('.hexrow .b.on')].map(cell => cell.textContent).join(' '),
      told: document.querySelector('.explain .term b').textContent,
    }));
    const expect = async (what, tree, hex) => {
      const now = await chosen();
      must(now.tree === tree && now.hex === hex && now.told === tree, `${what}: ${JSON.stringify(now)}`);
    };
    await page.locator('.hexrow .b[data-at="2"]').click();
    await expect('click on a byte', 'length', '00 00 16');
    await page.locator('.spanrow', { hasText: 'message length' }).click();
    await expect('click on a name', 'message length', '00 00 00 11');
    await page.locator('.hex').first().focus();
    await page.keyboard.press('ArrowRight');
    await expect('right in the bytes', 'tag', '08');
    await page.keyboard.press('ArrowRight');
    await expect('right again', 'value', '9a a6 8c c3 01');
    must((await shown(page)).hash.endsWith('/s1.data1.msg1.latitude.value'), (await shown(page)).hash);
    must(await page.locator('.explain .bits').count() === 1, 'the bits of the varint are shown');
    await page.locator('.spanrow.on').focus();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await expect('up and Enter in the tree', 'tag', '08');
    await page.locator('.hexrow .b[data-at="0"]').hover();
    must(await page.locator('.spanrow.near .name').innerText() === 'length', 'pointing at a byte marks its name');
    await page.locator('.spanrow', { has: page.getByText('stream', { exact: true }) }).hover();
    must((await page.locator('.hexrow .b.near').allInnerTexts()).join('') === '00000001', 'pointing at a name marks its bytes');
  },

  /** A deep link opens its span; links of spans and derived bytes lead to others. */
  async links(open) {
    const page = await open(files[0], { hash: '#a-unary-call-twice/s1.data1.msg1.longitude' });
    must((await shown(page)).span === '2 longitude: -746188906', JSON.stringify(await shown(page)));
    await page.evaluate(() => { location.hash = '#a-unary-call-twice/s3.headers1'; });
    await page.waitForFunction(() => current.number !== null && current.chapter.frames[current.number].name === 's3.headers1');
    await page.locator('.spanrow', { hasText: ':authority' }).click();
    await page.locator('.explain .link').first().click();
    const entry = await shown(page);
    must(entry.hash.includes('s1.headers1.') && entry.span.startsWith(':authority'), `the entry's origin: ${JSON.stringify(entry)}`);
    must(await page.locator('.grid tr.new').count() > 0, 'the dynamic table shows what is new');
    await page.evaluate(() => { location.hash = '#a-message-that-is-cut-over-three-frames/s1.data3.msg1.derived'; });
    await page.waitForFunction(() => document.querySelector('.pane'));
    await page.locator('.pane .spanrow', { hasText: 'latitude' }).click();
    must((await shown(page)).hash.includes('.derived.msg1.latitude'), (await shown(page)).hash);
  },

  /** Names, values and hex are found, one after the other. */
  async search(open) {
    const page = await open(files[0]);
    const ask = async text => {
      await page.locator('#query').fill(text);
      await page.locator('#query').press('Enter');
      await settled(page);
      return { ...(await shown(page)), found: await page.locator('#found').innerText() };
    };
    const value = await ask('409146138');
    must(value.span === '1 latitude: 409146138' && value.found.startsWith('1 of '), JSON.stringify(value));
    const hex = await ask('9a a6 8c c3');
    must(hex.span === 'value: 409146138', JSON.stringify(hex));
    const name = await ask('content-type: application/grpc');
    must(name.span.startsWith('content-type'), JSON.stringify(name));
    await page.locator('#query').press('Enter');
    must((await shown(page)).number !== name.number, 'Enter leads to the next');
    const none = await ask('no such thing');
    must(none.found === '0 found', none.found);
    must(await page.locator('#next').isDisabled(), 'there is nothing to go to');
  },

  /** Filter, order, folded DATA and flow control. */
  async views(open) {
    const page = await open(files[0], { hash: '#a-response-that-stalls-and-goes-on' });
    await page.locator('#stream').selectOption('1');
    must(await page.evaluate(() => conversation.rows.every(row => row.kind !== 'frame' || row.frame.s === 1)), 'one stream alone');
    await page.getByText('By call').click();
    must(await page.locator('.row.group').count() === 1, 'a group for the call');
    await page.locator('#tab-flow').click();
    must(await page.locator('.lane .stalled').count() === 2, 'two stalls');
    await page.locator('.lane .link').first().click();
    must((await shown(page)).hash.endsWith('/s1.data2'), (await shown(page)).hash);
    const many = await open(files[1]);
    await many.evaluate(() => dispatchEvent(new Event('beforeprint')));
    must(await many.locator('#conversation .row').count() >= 1000, 'paper has the rows that are not in sight');
    await many.evaluate(() => dispatchEvent(new Event('afterprint')));
    const box = await open(files[0], { width: 390, height: 844 });
    await (await arrow(box, 3)).click();
    must((await shown(box)).sheet, 'on a phone the frame lies over the conversation');
    must(await box.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the phone');
    await box.locator('#close').click();
    must(!(await shown(box)).sheet, 'and can be closed');
  },

  /** Recordings that are empty, torn, late, or of something else. */
  async odd(open) {
    for (const file of files) {
      const page = await open(file);
      const { frames } = await shown(page);
      for (let number = 0; number < Math.min(frames, 8); number++) await (await arrow(page, number)).click();
      for (const tab of ['overview', 'frame', 'flow']) {
        await page.locator(`#tab-${tab}`).click();
        must(await page.locator(`#${tab}`).innerText() !== '', `${file}: ${tab} is empty`);
      }
      await page.context().close();
    }
  },

  /** axe-core finds nothing serious, in both colours, on a phone too. */
  async axe(open) {
    const source = require('axe-core').source;
    for (const options of [{}, { colorScheme: 'dark' }, { width: 390, height: 844 }]) {
      const page = await open(files[0], options);
      await page.evaluate(source);
      const places = ['#a-unary-call-twice', '#a-unary-call-twice/s1.headers1.path.value', '#a-response-that-stalls-and-goes-on/s1.data2',
        '#a-compressed-message-without-a-word-about-how/s1.data1', '#a-message-that-is-cut-over-three-frames/s1.data3', 'flow'];
      for (const place of places) {
        await page.evaluate(where => { if (where === 'flow') tab('flow'); else location.hash = where; }, place);
        await settled(page);
        const { violations } = await page.evaluate(() => axe.run());
        const grave = violations.filter(each => ['serious', 'critical'].includes(each.impact));
        const told = grave.map(each => `${each.id}: ${each.help}: ${each.nodes.slice(0, 3).map(node => `${node.html} ${node.failureSummary}`).join(' | ')}`);
        must(grave.length === 0, `${place} ${JSON.stringify(options)}: ${told.join('\n')}`);
      }
      await page.context().close();
    }
  },

  /** 10,000 frames are scrolled through without a task of more than 200 ms. */
  async fluid(open) {
    const page = await open(files[1]);
    must((await shown(page)).frames >= 10000, 'there are 10,000 frames');
    let longest = Infinity;
    // A machine that does something else meanwhile makes tasks long; a page that is slow is slow each time.
    for (let round = 0; round < 3 && longest > 200; round++) {
      longest = await page.evaluate(async () => {
        const tasks = [0];
        const observer = new PerformanceObserver(list => tasks.push(...list.getEntries().map(entry => entry.duration)));
        observer.observe({ type: 'longtask' });
        const { scroller } = conversation.list;
        const frame = () => new Promise(done => requestAnimationFrame(done));
        for (let step = 0; step <= 200; step++) {
          scroller.scrollTop = scroller.scrollHeight * step / 200;
          await frame();
        }
        for (let step = 0; step < 100; step++) {
          scroller.scrollTop -= 300;
          await frame();
        }
        await new Promise(done => setTimeout(done, 100));
        observer.disconnect();
        return Math.max(...tasks);
      });
    }
    must(longest <= 200, `a task of ${longest} ms`);
    const rows = await page.locator('#conversation .row').count();
    must(rows > 0 && rows < 200, `${rows} rows exist at once`);
    console.log(`the longest task had ${longest} ms`);
  },

  /** The pictures of docs/screenshots, into the folder that is named last. */
  async screenshots(open) {
    const folder = files[1];
    mkdirSync(folder, { recursive: true });
    const pictures = [
      ['light', { hash: '#a-unary-call-twice/s1.data1.msg1.longitude.value' }],
      ['dark', { hash: '#a-unary-call-twice/s1.headers1.path.value', colorScheme: 'dark' }],
      ['phone', { hash: '#a-unary-call-twice', width: 390, height: 844, scale: 2 }],
      ['flow-control', { hash: '#a-response-that-stalls-and-goes-on/s1.data2', tab: 'flow' }],
    ];
    for (const [name, options] of pictures) {
      const page = await open(files[0], options);
      if (options.tab) await page.evaluate(each => tab(each), options.tab);
      if (name === 'phone') await page.evaluate(() => conversation.list.scroller.scrollTo(0, 300));
      await settled(page);
      const picture = await page.screenshot({ path: join(folder, `${name}.png`) });
      must(picture.length > 10000, `${name} is empty`);
    }
  },
};

try {
  await browse(executable, trials[trial]);
} catch (error) {
  console.error(error.stack || error);
  process.exitCode = 1;
}
