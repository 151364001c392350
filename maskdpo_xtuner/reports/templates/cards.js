'use strict';
// What every page with coloured sentences does: the box with a verdict, the keyboard, the document.
(function () {
  const SENTENCE = '.s[data-name]';
  const tip = document.getElementById('tip');
  const narrow = window.matchMedia('(max-width: 74.99rem)');
  let owner = null;   // the sentence whose verdict is shown
  let stop = null;    // the one sentence of the page that the Tab key reaches
  let current = null; // its card, whose buttons the Tab key reaches as well

  function line(parent, tag, text) {
    parent.appendChild(document.createElement(tag)).textContent = text;
  }

  // The box is filled with text only, never with markup.
  function fill(sentence) {
    tip.textContent = '';
    line(tip, 'b', sentence.dataset.name);
    if (sentence.dataset.note) line(tip, 'div', sentence.dataset.note);
    const points = JSON.parse(sentence.dataset.points || '[]');
    if (points.length) {
      line(tip, 'div', 'Points of the document:');
      const list = tip.appendChild(document.createElement('ul'));
      points.forEach(point => line(list, 'li', point));
    }
  }

  function show(sentence) {
    hide();
    owner = sentence;
    fill(sentence);
    tip.hidden = false;
    sentence.setAttribute('aria-describedby', 'tip');
    const lines = sentence.getClientRects();
    const box = lines[lines.length - 1];
    const left = Math.min(box.left, document.documentElement.clientWidth - tip.offsetWidth - 12);
    const below = box.bottom + 8;
    const above = box.top - tip.offsetHeight - 8;
    const top = below + tip.offsetHeight > window.innerHeight && above > 0 ? above : below;
    tip.style.left = Math.max(8, left) + window.scrollX + 'px';
    tip.style.top = top + window.scrollY + 'px';
    mark(sentence, true);
  }

  function hide() {
    if (!owner) return;
    owner.removeAttribute('aria-describedby');
    mark(owner, false);
    owner = null;
    tip.hidden = true;
  }

  // Let the passages that a verdict rests on stand out, and bring the first one into its pane.
  function mark(sentence, on) {
    const pane = sentence.closest('.card')?.querySelector('.document .text');
    if (!pane || !sentence.dataset.passages) return;
    const numbers = sentence.dataset.passages.split(' ');
    const passages = Array.from(pane.querySelectorAll('[data-points]'))
      .filter(piece => piece.dataset.points.split(' ').some(number => numbers.includes(number)));
    passages.forEach(piece => piece.classList.toggle('now', on));
    if (on && passages.length && pane.clientHeight < pane.scrollHeight) {
      const away = passages[0].getBoundingClientRect().top - pane.getBoundingClientRect().top;
      if (away < 0 || away > pane.clientHeight - 40) pane.scrollTop += away - 20;
    }
  }

  for (const event of ['mouseover', 'focusin', 'click']) {
    document.addEventListener(event, ({target}) => {
      if (!(target instanceof Element) || tip.contains(target)) return;
      const sentence = target.closest(SENTENCE);
      if (event !== 'mouseover') enter(target.closest('.card'), sentence);
      if (sentence && sentence !== owner) show(sentence);
      else if (!sentence) hide();
    });
  }

  // One sentence of the page is a tab stop, and so is what else its card has; arrows go on from it.
  function enter(card, sentence) {
    if (!card) return;
    const next = sentence || (card === current ? stop : card.querySelector(SENTENCE));
    if (stop) stop.tabIndex = -1;
    if (next) next.tabIndex = 0;
    stop = next;
    if (card === current) return;
    if (current) reach(current, -1);
    reach(card, 0);
    current = card;
  }

  function reach(card, index) {
    for (const each of card.querySelectorAll('summary, button, .document .text')) each.tabIndex = index;
  }

  function cards() {
    return Array.from(document.querySelectorAll('.card:not(.hidden)'));
  }

  function sentencesOf(card) {
    return Array.from(card.querySelectorAll(SENTENCE)).filter(each => each.getClientRects().length);
  }

  function neighbour(sentence, by) {
    const card = sentence.closest('.card');
    const own = sentencesOf(card);
    const next = own[own.indexOf(sentence) + by];
    return next || sentencesOf(beside(card, by)).at(by > 0 ? 0 : -1);
  }

  function beside(card, by) {
    const all = cards();
    return all[all.indexOf(card) + by] || card;
  }

  const moves = {
    ArrowRight: sentence => neighbour(sentence, 1),
    ArrowLeft: sentence => neighbour(sentence, -1),
    ArrowDown: sentence => sentencesOf(beside(sentence.closest('.card'), 1))[0],
    ArrowUp: sentence => sentencesOf(beside(sentence.closest('.card'), -1))[0],
  };

  document.addEventListener('keydown', event => {
    if (event.key === 'Escape') hide();
    const plain = !(event.ctrlKey || event.altKey || event.metaKey || event.shiftKey);
    const sentence = plain && moves[event.key] && event.target.closest(SENTENCE);
    if (!sentence) return;
    event.preventDefault();
    moves[event.key](sentence)?.focus();
  });

  // What is costly to lay out waits in <template> elements until it is asked for.
  document.addEventListener('toggle', ({target}) => {
    const template = target.matches('.lazy') && target.querySelector(':scope > template');
    if (!template) return;
    template.replaceWith(template.content);
    const card = target.closest('.card');
    if (card) reach(card, card === current ? 0 : -1);
  }, true);

  // Beside the answers a document is open; below them it waits to be opened.
  function fold() {
    for (const each of document.querySelectorAll('.document')) each.open = !narrow.matches;
  }

  narrow.addEventListener('change', fold);
  if (narrow.matches) fold();
  const first = () => enter(cards()[0], null);
  document.addEventListener('reordered', first);
  first();
})();
