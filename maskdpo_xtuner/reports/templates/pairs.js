// Search, order and token masks of the cards.
(function () {
  const list = document.getElementById('pairs');
  const cards = Array.from(list.children);
  const search = document.getElementById('search');
  const kind = document.getElementById('kind');
  const order = document.getElementById('order');
  const shown = document.getElementById('shown');
  const orders = {
    place: (a, b) => a.dataset.place - b.dataset.place,
    margin: (a, b) => b.dataset.margin - a.dataset.margin || orders.place(a, b),
    narrow: (a, b) => a.dataset.margin - b.dataset.margin || orders.place(a, b),
  };

  // An element, and what of its texts is not laid out yet, which is searched as well.
  function partsOf(node) {
    const waiting = node.querySelectorAll('.rest > template');
    return [node, ...Array.from(waiting).flatMap(template => partsOf(template.content))];
  }

  // Both answers and the question, without document and other answers; made once, when asked for.
  const texts = new Map();
  function textOf(card) {
    if (!texts.has(card)) {
      const shown = [card.querySelector('header'), card.querySelector('.sides')];
      const parts = shown.flatMap(partsOf).map(part => part.textContent);
      texts.set(card, parts.join(' ').toLowerCase());
    }
    return texts.get(card);
  }

  function hasKind(card) {
    const parts = partsOf(card.querySelector('.sides'));
    return parts.some(part => part.querySelector('.' + kind.value));
  }

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const card of cards) {
      const fits = (!words.length || words.every(word => textOf(card).includes(word))) &&
        (!kind.value || hasKind(card));
      card.classList.toggle('hidden', !fits);
      count += fits ? 1 : 0;
    }
    shown.textContent = count + ' of ' + cards.length + ' shown pairs match';
    document.dispatchEvent(new Event('reordered'));
  }

  function toggleTokens(button) {
    const side = button.closest('.side');
    const on = button.getAttribute('aria-pressed') !== 'true';
    button.setAttribute('aria-pressed', String(on));
    if (on) {
      const box = document.createElement('div');
      box.className = 'token-box';
      box.appendChild(side.querySelector('.token-mask').content.cloneNode(true));
      side.appendChild(box);
    } else {
      side.querySelector('.token-box').remove();
    }
  }

  let waiting = 0;
  search.addEventListener('input', () => { clearTimeout(waiting); waiting = setTimeout(filter, 150); });
  kind.addEventListener('change', filter);
  order.addEventListener('change', () => {
    list.append(...cards.sort(orders[order.value]));
    document.dispatchEvent(new Event('reordered'));
  });
  document.addEventListener('click', ({target}) => {
    if (target.matches('.toggle-tokens')) toggleTokens(target);
  });
})();
