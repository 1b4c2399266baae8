
// A list of rows of one height, of which only those exist that can be seen.

class VirtualList {
  /** `draw(index)` makes the element of a row, `mark(element, index)` brings up to date how it is marked. */
  constructor(scroller, { height, draw, mark, tag = 'div', role, label }) {
    Object.assign(this, { scroller, height, draw, mark: mark || (() => {}), count: 0, shown: new Map(), all: false });
    this.box = h(tag, { class: 'virtual', role, 'aria-label': label });
    scroller.replaceChildren(this.box);
    scroller.addEventListener('scroll', () => this.later(), { passive: true });
    this.observer = new ResizeObserver(() => this.later());
    this.observer.observe(scroller);
  }

  /** New rows. */
  reset(count) {
    this.count = count;
    this.box.style.height = `${count * this.height}px`;
    this.shown.forEach(element => element.remove());
    this.shown.clear();
    this.update();
  }

  later() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.update();
    });
  }

  /** Makes the rows that can be seen, and drops the others but for one that has the focus. */
  update() {
    const above = 8;
    const top = this.scroller.scrollTop;
    const first = this.all ? 0 : Math.max(0, Math.floor(top / this.height) - above);
    const seen = Math.ceil((this.scroller.clientHeight || 800) / this.height) + 2 * above;
    const last = this.all ? Math.min(this.count, 3000) : Math.min(this.count, first + seen);
    for (const [index, element] of this.shown) {
      if ((index < first || index >= last) && !element.contains(document.activeElement)) {
        element.remove();
        this.shown.delete(index);
      }
    }
    for (let index = first; index < last; index++) this.element(index);
  }

  /** The element of a row, made if need be, in its place among the others. */
  element(index) {
    const known = this.shown.get(index);
    if (known) return known;
    const element = this.draw(index);
    element.style.transform = `translateY(${index * this.height}px)`;
    element.dataset.row = index;
    this.mark(element, index);
    const after = [...this.shown.keys()].filter(other => other > index).sort((a, b) => a - b)[0];
    this.box.insertBefore(element, after === undefined ? null : this.shown.get(after));
    this.shown.set(index, element);
    return element;
  }

  /** How the rows are marked has changed. */
  remark() {
    this.shown.forEach((element, index) => this.mark(element, index));
  }

  /** Scrolls as little as is needed for the row to be seen. */
  reveal(index) {
    const [top, bottom] = [index * this.height, (index + 1) * this.height];
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop + this.height) this.scroller.scrollTop = Math.max(0, top - 2 * this.height);
    else if (bottom > scrollTop + clientHeight - this.height) this.scroller.scrollTop = bottom - clientHeight + 2 * this.height;
    this.update();
  }

  /** Gives the focus to what can have it in a row. */
  focus(index) {
    this.reveal(index);
    const element = this.element(index);
    (element.matches('[tabindex]') ? element : element.querySelector('button, [tabindex]') || element).focus({ preventScroll: true });
  }

  /** For paper: all rows. */
  print(all) {
    this.all = all;
    this.update();
  }
}

/** Where a key leads in a list: the new index, or null for other keys. */
function moved(key, index, count, page) {
  const to = { ArrowDown: index + 1, ArrowUp: index - 1, PageDown: index + page, PageUp: index - page, Home: 0, End: count - 1 }[key];
  return to === undefined ? null : Math.max(0, Math.min(count - 1, to));
}
