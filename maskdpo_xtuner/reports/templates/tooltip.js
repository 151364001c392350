'use strict';
// One floating box for all sentences: label, reason and points of the document. Text only.
(function () {
  const tip = document.getElementById('tip');
  let owner = null;

  function line(parent, tag, text) {
    parent.appendChild(document.createElement(tag)).textContent = text;
  }

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
    owner = sentence;
    fill(sentence);
    tip.hidden = false;
    const lines = sentence.getClientRects();
    const box = lines[lines.length - 1];
    const left = Math.min(box.left, document.documentElement.clientWidth - tip.offsetWidth - 12);
    const below = box.bottom + 8;
    const above = box.top - tip.offsetHeight - 8;
    const top = below + tip.offsetHeight > window.innerHeight && above > 0 ? above : below;
    tip.style.left = Math.max(8, left) + window.scrollX + 'px';
    tip.style.top = top + window.scrollY + 'px';
  }

  function hide() { owner = null; tip.hidden = true; }

  for (const event of ['mouseover', 'focusin', 'click']) {
    document.addEventListener(event, ({target}) => {
      if (!(target instanceof Element) || tip.contains(target)) return;
      const sentence = target.closest('.s[data-name]');
      if (sentence && sentence !== owner) show(sentence);
      else if (!sentence && owner) hide();
    });
  }
  document.addEventListener('keydown', event => { if (event.key === 'Escape') hide(); });
})();
// What is costly to lay out waits in <template> elements until it is asked for.
document.addEventListener('toggle', ({target}) => {
  const template = target.matches('.lazy') && target.querySelector(':scope > template');
  if (template) template.replaceWith(template.content);
}, true);
