// Gives the texts of a page whose contrast to what is behind them is below a ratio, by WCAG 2.2.
(lowest) => {
  const parse = text => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return {r, g, b, a};
  };
  const over = (top, below) => Object.fromEntries(
    ['r', 'g', 'b'].map(key => [key, top[key] * top.a + below[key] * (1 - top.a)]).concat([['a', 1]]));
  const luminance = color => {
    const part = value => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * part(color.r) + 0.7152 * part(color.g) + 0.0722 * part(color.b);
  };
  const behind = element => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      const layer = parse(getComputedStyle(each).backgroundColor);
      layers.push(layer);
      if (layer.a === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), {r: 255, g: 255, b: 255, a: 1});
  };
  const ratio = (text, below) => {
    const [dark, light] = [luminance(over(text, below)), luminance(below)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const found = [];
  const check = (element, color, text) => {
    const value = ratio(parse(color), behind(element));
    if (value < lowest) found.push(`${value.toFixed(2)} ${element.tagName}.${element.className}: ${text}`);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let checked = 0;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || !element.checkVisibility() || element.closest('script, style, title')) continue;
    const style = getComputedStyle(element);
    check(element, element.closest('svg') ? style.fill : style.color, text.slice(0, 40));
    checked += 1;
  }
  for (const element of document.querySelectorAll('.s')) {
    if (element.checkVisibility()) check(element, getComputedStyle(element, '::after').color, 'mark');
  }
  return {checked, found: [...new Set(found)]};
}
